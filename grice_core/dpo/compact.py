"""Base models whose weights are held in bf16 (`kernels/stored.py`), read tensor by tensor: neither the file
nor an fp32 copy is in memory as a whole."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from safetensors import safe_open
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from grice_core.dpo.hub import first_line
from grice_core.dpo.signature import accepted
from grice_core.errors import ModelError
from grice_core.kernels.choice import plain_kernels
from grice_core.kernels.stored import store_weights


class CompactError(ModelError):
    """The base does not compute with its weights in bf16."""

    def __init__(self, name: str, why: str) -> None:
        self.why = why
        super().__init__(
            f"{name} does not compute with its weights in bf16 ({why}): choose --base-dtype fp32"
        )


def load_compact(name: str, dtype: torch.dtype) -> tuple[PreTrainedModel, Mapping[str, Any]]:
    """A causal model whose linear layers and embeddings are in this dtype, all else in fp32; and what
    transformers reports of loading it."""
    with torch.device("meta"):
        known = _without_weights(name)
    kind = type(known)

    class Compact(kind):  # type: ignore[misc, valid-type]
        @staticmethod
        def _load_pretrained_model(
            model: PreTrainedModel,
            state: Any,
            files: Sequence[str] | None,
            *rest: Any,
            **named: Any,
        ) -> Any:
            # There are no weights yet: each is read in the dtype that its parameter has by now.
            store_weights(model, dtype)
            with ExitStack() as stack:
                if state is None and files and all(each.endswith(".safetensors") for each in files):
                    state = _lazily(files, stack)
                return kind._load_pretrained_model(model, state, files, *rest, **named)

    # Which tensors have had other names or shapes in files, transformers knows by name and module of the class.
    Compact.__name__, Compact.__module__ = kind.__name__, kind.__module__
    model, report = Compact.from_pretrained(
        name,
        config=known.config,
        trust_remote_code=False,
        dtype=torch.float32,
        output_loading_info=True,
    )
    model.__class__ = kind
    return model, report


def check_compact(name: str, model: PreTrainedModel) -> None:
    """Raises: CompactError, if the model can't compute in fp32 so: some read a layer's weight past its forward
    pass."""
    ids = torch.zeros((1, 2), dtype=torch.long, device=model.device)
    try:
        with torch.no_grad(), plain_kernels(), torch.autocast(ids.device.type, enabled=False):
            model(input_ids=ids, **accepted(model, use_cache=False))
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, TypeError, ValueError) as error:
        raise CompactError(name, first_line(error)) from error


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
