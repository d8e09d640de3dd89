"""A process group of one, which shows what reaches accelerate and torch."""

import pytest
import torch
from torch import nn

from grice_core.dpo.distributed.launcher import RankPlace
from grice_core.dpo.distributed.process_group import RankInfo, free_port, process_group
from grice_core.recipes.config import ParallelSettings

THIRD = 1 / 3


def reduced(**ddp):
    """A gradient of a third after it was summed, and one that no pass has reached."""
    parameters = [nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(2))]
    settings = ParallelSettings.model_validate({"ddp": ddp})
    info = RankInfo(RankPlace(0, 1, free_port()), torch.device("cpu"))
    policy = nn.ParameterList(parameters)
    with process_group(info, policy, settings) as ranks:
        parameters[0].grad = torch.full((3,), THIRD)
        ranks.all_reduce_gradients()
        assert ranks.all_gather("one") == ["one"]
        assert ranks.broadcast({"step": 3}) == {"step": 3}
    return [parameter.grad for parameter in parameters]


@pytest.mark.parametrize("ddp", [{}, {"gradient_as_bucket_view": True}, {"bucket_cap_mb": 1}])
def test_gradients_are_summed_and_missing_ones_are_zero(ddp):
    first, second = reduced(**ddp)
    assert torch.equal(first, torch.full((3,), THIRD))
    assert torch.equal(second, torch.zeros(2))


def test_the_number_format_in_which_gradients_travel_is_the_recipes():
    first, _ = reduced(comm_hook="fp16")
    assert torch.equal(first, torch.full((3,), THIRD).half().float())


def test_the_process_is_alone_again_afterwards():
    reduced()
    assert not torch.distributed.is_initialized()
