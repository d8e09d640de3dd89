"""A base model from a folder or the hub: loaded whole and unchanged, or refused in one sentence."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from grice_core.dpo.compact import check_compact, load_compact
from grice_core.dpo.hub import loading_errors
from grice_core.dpo.positions import max_positions
from grice_core.errors import ModelError
from grice_core.kernels.gelu import fuse_activations
from grice_core.kernels.memory import keep_few_kernels
from grice_core.kernels.precision import WeightFormat
from grice_core.kernels.stored import share_in_4_bits, weights_format
from grice_core.nesting import parse_json

_ADAPTER = "adapter_config.json"
SMALL_SHARE = 0.5
"""Of the weights outside the vocabulary: fewer in 4 bits than this are worth a remark."""
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")


@dataclass(frozen=True)
class BaseModel:
    """A causal language model and its tokenizer."""

    name: str
    """Hub id or folder that it was loaded from."""
    model: PreTrainedModel
    tokenizer: Any
    remarks: tuple[str, ...] = ()
    """What a user should know about what was loaded, one sentence each."""

    @property
    def max_positions(self) -> int | None:
        """Longest sequence that the model has positions for, if it says so."""
        return max_positions(self.model.config)

    @property
    def num_embeddings(self) -> int:
        """Token ids that the model has an embedding for."""
        return int(self.model.get_input_embeddings().weight.shape[0])

    def check_ids(self, sequences: Iterable[tuple[int, ...]]) -> None:
        """Raises: ModelError, if the tokenizer made ids of these texts that the model has no embedding for."""
        largest = max((max(ids) for ids in sequences if ids), default=0)
        if largest >= self.num_embeddings:
            raise ModelError(
                f"the tokenizer of {self.name} gives token {largest:,}, but the model has embeddings for "
                f"{self.num_embeddings:,} only: give the model and the tokenizer that belong together"
            )


def load_base(name: str, device: torch.device, base_dtype: WeightFormat = "fp32") -> BaseModel:
    """Load a base model and its tokenizer; in which precision it computes is the forward pass's business.

    Args:
        name: Hub id or folder.
        device: Where to.
        base_dtype: How its linear layers and embeddings are held (`kernels/stored.py`); all else is float32.

    Raises: ModelError, naming what is missing or does not fit; CompactError, if it does not compute with
    weights in `base_dtype`.
    """
    keep_few_kernels()
    _check_no_gguf(name)
    _check_no_adapter(name)
    with loading_errors("base model", name):
        _check_not_quantised(name, AutoConfig.from_pretrained(name, trust_remote_code=False))
        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        model, report = _loaded(name, base_dtype, device)
    _check_whole(name, report)
    _check_tokenizer(name, tokenizer)
    fuse_activations(model)
    model = model.to(device).eval()
    if base_dtype != "fp32":
        check_compact(name, model)
    return BaseModel(name, model, tokenizer, _remarks(name, model, report))


def _loaded(
    name: str, base_dtype: WeightFormat, device: torch.device
) -> tuple[Any, Mapping[str, Any]]:
    if base_dtype != "fp32":
        return load_compact(name, base_dtype, device)
    model, report = AutoModelForCausalLM.from_pretrained(
        name, trust_remote_code=False, dtype=torch.float32, output_loading_info=True
    )
    return model, report


def _check_no_gguf(name: str) -> None:
    path = Path(name)
    holds_gguf = path.is_dir() and any(path.glob("*.gguf")) and not (path / "config.json").is_file()
    if holds_gguf or path.suffix == ".gguf":
        raise ModelError(
            f"{name} is in GGUF, a format for running models, not for training them: give the model's own "
            "weights as a folder or a hub id"
        )


def _check_no_adapter(name: str) -> None:
    """transformers would put an adapter that lies in the folder on its base by itself, and stages would
    then be trained on another model than the baseline."""
    folder = Path(name)
    if not (folder / _ADAPTER).is_file():
        return
    if any(
        path.name != "adapter_model.safetensors"
        for pattern in _WEIGHTS
        for path in folder.glob(pattern)
    ):
        raise ModelError(
            f"{name} holds a model's weights and an {_ADAPTER} beside them, so it is unclear which model "
            f"is meant: move {_ADAPTER} away if it is a leftover, or merge the adapter into the weights"
        )
    try:
        base = parse_json((folder / _ADAPTER).read_text()).get("base_model_name_or_path")
    except (OSError, ValueError, AttributeError):
        base = None
    raise ModelError(
        f"{name} holds an adapter for {base or 'another model'}, not a model: merge it first "
        "(PeftModel.from_pretrained(base, folder).merge_and_unload().save_pretrained(new_folder), and the "
        "tokenizer beside it) and give the new folder"
    )


def _check_not_quantised(name: str, config: Any) -> None:
    quantisation = getattr(config, "quantization_config", None)
    if quantisation is None:
        return
    settings = quantisation if isinstance(quantisation, Mapping) else vars(quantisation)
    raise ModelError(
        f"{name} is stored quantised ({settings.get('quant_method', 'unknown method')}), which can't be "
        "trained and merged exactly: give the model's unquantised weights"
    )


def _check_whole(name: str, report: Mapping[str, Any]) -> None:
    """transformers fills weights that a folder lacks with random numbers, and says so in a log."""
    if missing := sorted(report["missing_keys"]):
        raise ModelError(
            f"{name} lacks {len(missing):,} of the model's weights ({_some(missing)}), which would be "
            "random numbers: download or save the model again"
        )
    if mismatched := sorted(str(key) for key in report.get("mismatched_keys", ())):
        raise ModelError(
            f"{name} has weights of another shape than its config.json says ({_some(mismatched)}): give "
            "the config that belongs to the weights"
        )


def _check_tokenizer(name: str, tokenizer: Any) -> None:
    if not tokenizer("Say it briefly.", add_special_tokens=False)["input_ids"]:
        raise ModelError(
            f"{name} has no tokenizer: its files (tokenizer.json, or the model's own vocabulary) are "
            "missing, and any text would be empty. Save the tokenizer into the same folder"
        )


def _remarks(name: str, model: PreTrainedModel, report: Mapping[str, Any]) -> tuple[str, ...]:
    remarks = []
    if unexpected := sorted(report["unexpected_keys"]):
        remarks.append(
            f"{name} holds {len(unexpected):,} weights that this architecture has no use for "
            f"({_some(unexpected)}); they are left out."
        )
    if weights_format(model) == "nf4" and (share := share_in_4_bits(model)) < SMALL_SHARE:
        remarks.append(
            f"{share:.0%} of {name}'s weights outside the vocabulary are held in 4 bits; the others belong to "
            "layers of kinds that are not."
        )
    return tuple(remarks)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
