import pytest
import torch

from grice_core.dpo.causality import check_causal
from grice_core.errors import ModelError
from tests.dpo import tiny
from tests.models.build import build

ROWS = [list(range(1, 33)), list(range(32, 0, -1))]


@pytest.mark.parametrize("build_it", [tiny.gpt2, tiny.llama], ids=["gpt2", "llama"])
def test_a_causal_model_passes(build_it):
    check_causal(build_it(), "tiny", ROWS)


@pytest.mark.parametrize("name", ["bert", "xlnet", "xlm", "doge+kept", "prophetnet"])
def test_what_sees_later_tokens_is_refused_by_its_type(name):
    rows = torch.randint(1, 900, (3, 80), generator=torch.Generator().manual_seed(0)).tolist()
    with pytest.raises(ModelError, match=r"^tiny \(.*\) is no causal language model"):
        check_causal(build(name), "tiny", rows)


@pytest.mark.parametrize("strength", [1.0, 1e-3, 1e-7])
def test_the_slightest_look_ahead_is_seen(strength):
    model = tiny.llama()

    def look_ahead(_, __, states):
        return states + strength * states.roll(-1, dims=1)

    model.model.layers[0].mlp.register_forward_hook(look_ahead)
    with pytest.raises(ModelError, match="for earlier"):
        check_causal(model, "tiny", ROWS)


def test_a_choice_among_keys_that_depends_on_the_length_is_seen():
    model = tiny.llama()

    def choose(_, __, states):  # the largest of all tokens, as a top-k over the whole row is
        return states * (states.detach().norm(dim=-1).argmax() % 2 + 1)

    model.model.layers[0].mlp.register_forward_hook(choose)
    with pytest.raises(ModelError):
        check_causal(model, "tiny", [[*range(1, 17), *[5] * (extra + 1)] for extra in range(16)])


def test_logits_that_are_no_numbers_are_refused():
    model = tiny.gpt2()
    model.transformer.ln_f.register_forward_hook(lambda _, __, states: states * float("nan"))
    with pytest.raises(ModelError, match="no finite numbers"):
        check_causal(model, "tiny", ROWS)


def test_a_model_that_cannot_be_run_is_refused_in_a_sentence():
    model = tiny.gpt2()
    model.transformer.ln_f.register_forward_hook(lambda *_: torch.zeros(3))
    with pytest.raises(ModelError, match=r"^tiny \(gpt2\) can't be run by transformers: "):
        check_causal(model, "tiny", ROWS)


def test_positions_that_stay_stretched_are_refused_for_rows_that_stretch_them():
    check_causal(build("llama+dynamic_short"), "tiny", [list(range(1, 60))])
    with pytest.raises(ModelError, match="leaves them so for the rows that follow"):
        check_causal(build("llama+dynamic_short"), "tiny", [list(range(1, 80))])
