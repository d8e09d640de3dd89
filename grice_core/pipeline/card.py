"""The model card beside each adapter."""

from collections.abc import Sequence
from pathlib import Path

from grice_core.evaluation.comparison import compared, corrected
from grice_core.evaluation.exports import comparison_markdown
from grice_core.evaluation.results import Evaluation
from grice_core.evaluation.verdict import judge
from grice_core.files import write_text_atomic
from grice_core.maxims import MAXIMS
from grice_core.recipes.config import StageConfig


def write_stage_card(
    folder: Path, stages: Sequence[StageConfig], base: str, results: str = ""
) -> None:
    """Write README.md: what the adapter is, how to load it, what it was trained for.

    `stages` are all that the adapter holds, in order; `results` says in Markdown how it was judged.
    """
    names = " + ".join(f"{stage.name} ({stage.title})" for stage in stages)
    text = f"""---
base_model: {base}
library_name: peft
pipeline_tag: text-generation
tags: [dpo, lora, gricean-maxims]
---

# {names} on {base}

A LoRA adapter for the plain base model, trained with weighted DPO (arXiv 2305.18290) to violate
Grice's maxims less often. {_parts(stages)}

```python
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = AutoModelForCausalLM.from_pretrained({base!r})
tokenizer = AutoTokenizer.from_pretrained({base!r})
model = PeftModel.from_pretrained(base, "path/to/this/folder")
inputs = tokenizer("Context: …\\nEvidence: …\\n\\nGenerate a cooperative response:", return_tensors="pt")
output = model.generate(**inputs, max_new_tokens=80, do_sample=True, temperature=0.7, top_p=0.9)
print(tokenizer.decode(output[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))
```

| stage | weights of the maxims | learning rate | beta | LoRA |
|---|---|---|---|---|
{"".join(_row(stage) for stage in stages)}
{results}"""
    write_text_atomic(folder / "README.md", text)


def results_section(evaluation: Evaluation, num_stages: int, detector: str) -> str:
    """What the evaluation says of the adapter that holds the first stages, for its card.

    `detector` is the fingerprint of the one that judged.
    """
    models, sampling = evaluation.models[: num_stages + 1], evaluation.sampling
    changes = corrected(compared(evaluation.models))
    several = sampling.samples_per_prompt
    answers = "" if several == 1 else f", {several} answers to each"
    parts = [
        "## Results",
        "Share of answers that violate each maxim, and of those that violate none (cooperative).",
        comparison_markdown(models, changes).rstrip(),
        f"{len(evaluation.selection.prompts):,} held-out prompts{answers}, judged by the detector "
        f"with fingerprint {detector[:16]}; sampled at temperature {sampling.temperature:g}, top-p {sampling.top_p:g}, at "
        f"most {sampling.max_new_tokens:,} new tokens, seed {sampling.seed}.",
    ]
    if len(models) == len(evaluation.models):
        parts.append(judge(evaluation.models, evaluation.config).sentence)
    parts += evaluation.warnings
    return "\n\n".join(parts) + "\n"


def _parts(stages: Sequence[StageConfig]) -> str:
    if len(stages) == 1:
        return ""
    return (
        "It holds all its stages, concatenated along the rank, "
        "so nothing else needs to be merged first."
    )


def _row(stage: StageConfig) -> str:
    weights = ", ".join(
        f"{maxim} {getattr(stage.weights, maxim):g}"
        for maxim in MAXIMS
        if getattr(stage.weights, maxim)
    )
    beta = stage.beta if isinstance(stage.beta, float) else f"{stage.beta.start} → {stage.beta.end}"
    lora = f"r {stage.lora.r}, alpha {stage.lora.alpha:g}"
    return f"| {stage.name} | {weights} | {stage.learning_rate:g} | {beta} | {lora} |\n"
