"""The model card beside each adapter."""

from collections.abc import Sequence
from pathlib import Path

from peft import LoraConfig

from grice_core.maxims import MAXIMS
from grice_core.recipes.config import StageConfig


def write_stage_card(
    folder: Path, stages: Sequence[StageConfig], adapter: LoraConfig, evaluation: str = ""
) -> None:
    """Write README.md: what the adapter is, how to load it, what it was trained for.

    `stages` are all that the adapter holds, in order; `evaluation` is a Markdown table of results.
    """
    base = adapter.base_model_name_or_path
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
{evaluation}"""
    (folder / "README.md").write_text(text, encoding="utf-8")


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
