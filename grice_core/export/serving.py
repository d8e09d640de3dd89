"""How an export is served: Ollama's Modelfile, command lines of vLLM and llama.cpp."""

import json
import shlex
from dataclasses import dataclass
from typing import Any

from grice_core.chat.format import PromptFormat
from grice_core.evaluation.sampling import options_elsewhere
from grice_core.export.forms import gguf_name
from grice_core.export.job import ExportJob

MODELFILE = "Modelfile"
_VLLM_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""What `--max-lora-rank` takes."""
_VLLM_DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


@dataclass(frozen=True)
class Serving:
    """How to serve one export; commands are for its folder."""

    commands: tuple[str, ...]
    modelfile: str | None = None
    """Ollama's, for a GGUF file."""

    def section(self) -> str:
        """For the card, in Markdown."""
        lines = "\n".join(self.commands)
        return f"## Serve\n\nIn this folder:\n\n```sh\n{lines}\n```\n"


def serving(job: ExportJob, form: PromptFormat, config: dict[str, Any] | None) -> Serving:
    """How to serve what was exported.

    Args:
        form: How the stage was trained to be asked.
        config: The adapter's, if it is one.
    """
    name = job.stage.name
    if job.form == "gguf":
        sampling = job.stage.recipe.evaluation
        return Serving(
            (
                f"ollama create {name} -f {MODELFILE} && ollama run {name}",
                f"llama-server -m {gguf_name(job)} --temp {sampling.temperature:g} "
                f"--top-p {sampling.top_p:g} --top-k 0 --min-p 0 --repeat-penalty 1",
            ),
            _modelfile(job, form),
        )
    if config is not None:
        rank = next((rank for rank in _VLLM_RANKS if rank >= config["r"]), config["r"])
        base = shlex.quote(job.shown_base)
        drawn = json.dumps(options_elsewhere(job.stage.recipe.evaluation))
        return Serving(
            (
                f"vllm serve {base} --dtype float32 --enable-lora --max-lora-rank {rank} "
                f"--lora-modules {name}=. --override-generation-config {shlex.quote(drawn)}",
            )
        )
    return Serving((f"vllm serve . --served-model-name {name} --dtype {_VLLM_DTYPES[job.dtype]}",))


def _modelfile(job: ExportJob, form: PromptFormat) -> str:
    """Sampling as in the evaluation, where Ollama has other defaults."""
    sampling = job.stage.recipe.evaluation
    lines = [f"FROM ./{gguf_name(job)}"]
    if form.name == "plain":  # else Ollama takes the chat template of the GGUF file
        lines.append('TEMPLATE "{{ .Prompt }}"')
    lines += [
        f"PARAMETER temperature {sampling.temperature:g}",
        f"PARAMETER top_p {sampling.top_p:g}",
        "PARAMETER top_k 0",
        "PARAMETER min_p 0",
        "PARAMETER repeat_penalty 1",
        f"PARAMETER num_predict {sampling.max_new_tokens}",
    ]
    ends = (form.tokenizer.convert_ids_to_tokens(end) for end in sorted(form.ends))
    lines += [f"PARAMETER stop {json.dumps(end, ensure_ascii=False)}" for end in ends]
    return "\n".join(lines) + "\n"
