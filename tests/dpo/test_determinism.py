import pytest
import torch

from grice_core.dpo.determinism import deterministic


@pytest.mark.parametrize("enabled", [False, True])
def test_only_training_itself_is_deterministic(enabled):
    torch.use_deterministic_algorithms(enabled)
    try:
        with deterministic():
            assert torch.are_deterministic_algorithms_enabled()
            assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert torch.are_deterministic_algorithms_enabled() == enabled
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
