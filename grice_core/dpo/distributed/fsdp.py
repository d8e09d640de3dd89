"""The base model sharded over all ranks while a stage trains (ZeRO's third stage, arXiv 1910.02054).

The base is most of the memory and never changes, so it needs no gradient and no optimizer: a rank keeps
a shard of each layer, and all ranks gather a layer when their passes reach it. So each rank waits for every
other at each layer, and all must run the same number of passes. The adapter, a hundredth of the base, stays
whole on each rank.
"""

from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from grice_core.errors import RecipeError
from grice_core.kernels.last_mlp import layers_of
from grice_core.recipes.config import FsdpSettings


def shard_base(policy: nn.Module, num_ranks: int, settings: FsdpSettings) -> None:
    """Keep this rank's shard of the base's weights, in place; all ranks must call it.

    Raises: RecipeError, if the model's layers can't be identified.
    """
    layers = layers_of(policy)
    if not layers:
        raise RecipeError(
            "parallel.fsdp: the layers of this base model can't be identified, so no rank can hold a part "
            "of each: leave it out"
        )
    adapter = {parameter for parameter in policy.parameters() if parameter.requires_grad}
    device_type = next(policy.parameters()).device.type
    mesh = init_device_mesh(device_type, (num_ranks,))
    for layer in layers:
        fully_shard(
            layer,
            mesh=mesh,
            reshard_after_forward=settings.reshard_after_forward,
            ignored_params=adapter,
        )
    fully_shard(policy, mesh=mesh, ignored_params=adapter)
