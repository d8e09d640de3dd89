"""The model card beside each adapter."""

from collections.abc import Sequence
from pathlib import Path

from grice_core.chat.format import PromptFormat
from grice_core.evaluation.comparison import compared, corrected
from grice_core.evaluation.exports import comparison_markdown
from grice_core.evaluation.fooled import Fooled
from grice_core.evaluation.results import Evaluation
from grice_core.evaluation.sampling import options_elsewhere
from grice_core.evaluation.second_judge import judges_of, verdict_of
from grice_core.evaluation.text_exports import texts_markdown
from grice_core.evaluation.text_rows import HEADING
from grice_core.evaluation.texts import compare_texts
from grice_core.files import write_text_atomic
from grice_core.maxims import MAXIMS
from grice_core.objectives import DELTA, OBJECTIVES
from grice_core.pipeline.options import BaseDtype
from grice_core.pipeline.output import is_whole_model
from grice_core.recipes.config import EvaluationConfig, StageConfig

_PLAIN = """\
inputs = tokenizer("Context: …\\nEvidence: …\\n\\nGenerate a cooperative response:", return_tensors="pt")"""
_CHAT = """\
inputs = tokenizer.apply_chat_template(
    [{"role": "user", "content": "Where do cats sleep?"}],
    add_generation_prompt=True,
    return_dict=True,
    return_tensors="pt",
)"""

_OWN_END = "eos_token_id=model.generation_config.eos_token_id, "


def write_stage_card(
    folder: Path,
    stages: Sequence[StageConfig],
    base: str,
    form: PromptFormat,
    taught: str = "",
    results: str = "",
    *,
    sampling: EvaluationConfig,
    base_dtype: BaseDtype = "fp32",
) -> None:
    """Write README.md: what the adapter is, how to load it, what it was trained for.

    `stages` are all that the adapter holds, in order; `form` is how it was trained to be asked;
    `taught` says in Markdown what its pairs teach, `results` how it was judged; `sampling` how its answers are
    drawn then; `base_dtype` in which number format the base's weights were held.
    """
    names = " + ".join(f"{stage.name} ({stage.title})" for stage in stages)
    text = f"""---
base_model: {base}
base_dtype: {base_dtype}
library_name: {"transformers" if is_whole_model(folder) else "peft"}
pipeline_tag: text-generation
tags: [dpo, lora, gricean-maxims]
---

# {names} on {base}

{_kind(folder)}, trained with {_objectives(stages)} to violate
Grice's maxims less often. {_parts(stages)}

{_asked(form)}

{_held(base_dtype)}

```python
{_loaded(folder, base, base_dtype)}
{_CHAT if form.name == "chat" else _PLAIN}
# As it was evaluated, in place of whatever the base's own generation_config.json says.
model.generation_config = GenerationConfig(
    {_ends(form)}max_new_tokens={sampling.max_new_tokens}, do_sample=True,
    {_drawn(sampling)},
)
output = model.generate(**inputs)
print(tokenizer.decode(output[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))
```

| stage | weights of the maxims | loss | learning rate | beta | LoRA |
|---|---|---|---|---|---|
{"".join(_row(stage) for stage in stages)}
{_equations(stages)}
{taught}{results}"""
    write_text_atomic(folder / "README.md", text)


def later_sections(card: str) -> str:
    """What a card says after how its stages were trained: what the pairs teach, how it was judged."""
    _, heading, rest = card.partition("\n## ")
    return (heading + rest).removeprefix("\n")


def _drawn(sampling: EvaluationConfig) -> str:
    """As in the evaluation, and nothing else."""
    options = options_elsewhere(sampling)
    return ", ".join(f"{name}={value}" for name, value in options.items())


def _kind(folder: Path) -> str:
    whole = is_whole_model(folder)
    return (
        "A whole model, with its adapters merged"
        if whole
        else "A LoRA adapter for the plain base model"
    )


def _held(base_dtype: BaseDtype) -> str:
    """What the weights were that it fits."""
    if base_dtype == "bf16":
        return (
            "The base's linear layers and embeddings were held in bf16, all else in fp32 (`base_dtype: bf16`): "
            "it fits the base's weights rounded to bf16, and in fp32 differs by that rounding."
        )
    if base_dtype == "nf4":
        return (
            "The base's linear layers were held in 4 bits (`base_dtype: nf4`; bitsandbytes, blocks of 64, no double "
            "quantisation), its embeddings and last layer in bf16, all else in fp32: it fits these weights. On the "
            "base in another format it is not the model that was evaluated."
        )
    return "The base's weights were held in fp32 (`base_dtype: fp32`)."


def _loaded(folder: Path, base: str, base_dtype: BaseDtype) -> str:
    if is_whole_model(folder):
        return """\
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")
model = AutoModelForCausalLM.from_pretrained("path/to/this/folder")"""
    if base_dtype == "nf4":
        return f"""\
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, GenerationConfig

base = AutoModelForCausalLM.from_pretrained(
    {base!r},
    dtype="float32",
    quantization_config=BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4"),
)
tokenizer = AutoTokenizer.from_pretrained({base!r})
model = PeftModel.from_pretrained(base, "path/to/this/folder")"""
    return f"""\
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

base = AutoModelForCausalLM.from_pretrained({base!r})
tokenizer = AutoTokenizer.from_pretrained({base!r})
model = PeftModel.from_pretrained(base, "path/to/this/folder")"""


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
        parts.append(verdict_of(evaluation).sentence)
    parts += evaluation.warnings
    parts += _second_section(evaluation, num_stages)
    parts += [f"### {HEADING}", texts_markdown(compare_texts(models)).rstrip()]
    return "\n\n".join(parts) + "\n"


def _second_section(evaluation: Evaluation, num_stages: int) -> list[str]:
    """What the second judge says of the same answers."""
    second = evaluation.second
    if second is None:
        return []
    names = [model.name for model in second.models[: num_stages + 1]]
    judges = [each for each in judges_of(evaluation) if each.after in names]
    alarms = [f"**{each.sentence()}**" for each in judges if each.fooled is not Fooled.NO]
    return [
        "### By a second judge",
        f"The same answers, judged by another judge: {second.origin}, fingerprint {second.fingerprint[:16]}. The "
        "model was not trained on its scores.",
        comparison_markdown(second.models[: num_stages + 1], second.changes()).rstrip(),
        *alarms,
        *second.warnings,
    ]


def _asked(form: PromptFormat) -> str:
    """How it was trained and evaluated, so how it is to be asked."""
    description = form.described()
    if form.name == "plain":
        return "It was trained and evaluated on plain text (`prompt_format: plain`)."
    dated = f", rendered as of {description['rendered_at']}" if "rendered_at" in description else ""
    return (
        "It was trained and evaluated in the base's chat template (`prompt_format: chat`; SHA-256 of "
        f"the template {description['template_sha256'][:16]}…{dated}): ask it in that template too."
    )


def _ends(form: PromptFormat) -> str:
    """The tokens that generation has to stop at; the base's own in plain text."""
    return f"eos_token_id={sorted(form.ends)}, " if form.name == "chat" else _OWN_END


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
    return (
        f"| {stage.name} | {weights} | {stage.loss} | {stage.learning_rate:g} | {beta} | {lora} |\n"
    )


def _objectives(stages: Sequence[StageConfig]) -> str:
    """`weighted DPO (arXiv 2305.18290)`, and the others' if stages have several."""
    kinds = dict.fromkeys(OBJECTIVES[stage.loss_type] for stage in stages)
    return " and ".join(f"weighted {kind.title} ({kind.source})" for kind in kinds)


def _equations(stages: Sequence[StageConfig]) -> str:
    """What the names in the table mean."""
    lines = [
        f"`{name}`: weight · ({OBJECTIVES[name].equation})"
        for name in dict.fromkeys(stage.loss_type for stage in stages)
    ]
    if any(stage.sft_weight for stage in stages):
        lines.append("`sft`: cross-entropy per token of the chosen responses, without weights")
    return "\n".join(f"- {line}" for line in [*lines, DELTA]) + "\n"
