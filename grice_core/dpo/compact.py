"""Base models whose weights are held in bf16 or 4 bits (`kernels/stored.py`), read tensor by tensor: neither
the file nor an fp32 copy is in memory as a whole."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from grice_core.dpo.hub import first_line
from grice_core.dpo.signature import accepted
from grice_core.errors import ModelError
from grice_core.kernels.choice import plain_kernels
from grice_core.kernels.memory import apart
from grice_core.kernels.nf4 import ABSMAX, PackedWeight, quantised, shape_of, unpack
from grice_core.kernels.precision import WeightFormat
from grice_core.kernels.stored import store_weights, weights_format


class CompactError(ModelError):
    """The base does not compute with its weights held so."""

    def __init__(self, name: str, form: WeightFormat, why: str) -> None:
        self.form, self.why = form, why
        super().__init__(
            f"{name} does not compute with its weights in {form} ({why}): choose --base-dtype fp32"
        )


def load_compact(
    name: str, form: WeightFormat, device: torch.device
) -> tuple[PreTrainedModel, Mapping[str, Any]]:
    """A causal model whose linear layers and embeddings are held so, all else in fp32; and what transformers
    reports of loading it. It is on the CPU; `device` quantises.

    Raises: CompactError, if no layer of it can be.
    """
    with torch.device("meta"):
        known = _without_weights(name)
    kind = type(known)

    class Compact(kind):  # type: ignore[misc, valid-type]
        @staticmethod
        def _load_pretrained_model(
            model: PreTrainedModel,
            state: Any,
            files: Sequence[str] | None,
            load_config: Any,
            **named: Any,
        ) -> Any:
            # There are no weights yet: each is read in the dtype that its parameter has by now.
            store_weights(model, form)
            if form == "nf4":
                load_config = replace(load_config, hf_quantizer=_Quantiser(device))
            with ExitStack() as stack:
                if state is None and files and all(each.endswith(".safetensors") for each in files):
                    state = _lazily(files, stack)
                info, *rest = kind._load_pretrained_model(model, state, files, load_config, **named)
            _unpack_missing(model, info.missing_keys)
            return info, *rest

    # Which tensors have had other names or shapes in files, transformers knows by name and module of the class.
    Compact.__name__, Compact.__module__ = kind.__name__, kind.__module__
    with apart():
        model, report = Compact.from_pretrained(
            name,
            config=known.config,
            trust_remote_code=False,
            dtype=torch.float32,
            output_loading_info=True,
        )
    model.__class__ = kind
    if weights_format(model) != form:
        raise CompactError(name, form, "none of its layers can be held so")
    return model, report


class _Quantiser:
    """What transformers asks while it reads tensors one after another: which are packed, and how."""

    pre_quantized = False
    quantization_config = SimpleNamespace(quant_method="grice")

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def param_needs_quantization(self, model: PreTrainedModel, name: str) -> bool:
        """Whether this is the weight of a packed layer."""
        return _packed_layer(model, name) is not None

    def get_quantize_ops(self) -> "_Quantiser":
        """The one that packs."""
        return self

    def convert(
        self, tensors: dict[str, Any], *, model: PreTrainedModel, **_: Any
    ) -> dict[str, Tensor]:
        """Codes and scales in the place of each weight."""
        found = {}
        for name, value in tensors.items():
            weight: Tensor = value[0] if isinstance(value, list) else value
            layer = _packed_layer(model, name)
            if layer is None:
                found[name] = weight
                continue
            if weight.shape != shape_of(layer):
                raise ValueError(f"{name} is {tuple(weight.shape)}, not {shape_of(layer)}")
            codes, absmax = quantised(layer, weight.to(self._device))
            found[name] = codes.to(weight.device)
            found[f"{name.removesuffix('weight')}{ABSMAX}"] = absmax.to(weight.device)
        return found


def _unpack_missing(model: PreTrainedModel, missing: set[str]) -> None:
    """Undo the packing of weights that the files lack: transformers draws and reports them, which for codes
    it can't."""
    for name in list(missing):
        layer = _packed_layer(model, name)
        if layer is not None:
            unpack(layer)
            missing.discard(f"{name.removesuffix('weight')}{ABSMAX}")


def _packed_layer(model: PreTrainedModel, name: str) -> Any:
    """The packed layer that this is the weight of, if it is one."""
    path, _, leaf = name.rpartition(".")
    layer = model.get_submodule(path) if leaf == "weight" else None
    return layer if PackedWeight.of(layer) is not None else None


def check_compact(name: str, model: PreTrainedModel) -> None:
    """Raises: CompactError, if the model can't compute so: some read a layer's weight past its forward pass."""
    ids = torch.zeros((1, 2), dtype=torch.long, device=model.device)
    try:
        with torch.no_grad(), plain_kernels(), torch.autocast(ids.device.type, enabled=False):
            model(input_ids=ids, **accepted(model, use_cache=False))
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, TypeError, ValueError) as error:
        raise CompactError(name, weights_format(model), first_line(error)) from error


def _without_weights(name: str) -> PreTrainedModel:
    config = AutoConfig.from_pretrained(name, trust_remote_code=False)
    model: PreTrainedModel = AutoModelForCausalLM.from_config(
        config, trust_remote_code=False, dtype=torch.float32
    )
    return model


def _lazily(files: Sequence[str], stack: ExitStack) -> dict[str, Any]:
    """All tensors by name, read when they are asked for; unlike mapped pages, what was read can go."""
    tensors: dict[str, Any] = {}
    for file in files:
        opened = stack.enter_context(safe_open(file, framework="pt", backend="pread"))
        tensors |= {key: opened.get_slice(key) for key in opened.keys()}  # noqa: SIM118
    return tensors
