"""How much memory a pass keeps for its backward pass."""

from collections.abc import Sequence
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor

from grice_core.dpo.encode import EncodedPair
from grice_core.dpo.examples import Compute
from grice_core.dpo.logps import pair_logps


def activation_bytes(policy: PeftModel, pairs: Sequence[EncodedPair], compute: Compute) -> int:
    """Bytes that a pass over these pairs keeps between forward and backward, without the weights."""
    weights = {each.untyped_storage().data_ptr() for each in policy.state_dict().values()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage: Any = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with compute.autocast(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        values = pair_logps(policy, pairs, compute.passes, compute.head)
    del values  # until here nothing that was counted is freed, and its place taken by another
    return sum(kept.values())
