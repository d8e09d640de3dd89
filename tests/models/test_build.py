"""The tiny models are what the proofs about base models assume of them."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from tests.models.architectures import ARCHITECTURES, LEFT_OUT
from tests.models.architectures.entry import tiny
from tests.models.build import build, config, write

SAMPLE = ("llama+ids", "gpt2", "gemma3", "mllama", "mixtral", "qwen3_next", "marian", "mamba2")
"""Plain, old, a whole, a part of a whole, experts, layers with a state, frozen positions, no attention."""


def test_every_type_that_transformers_lists_is_there_or_is_left_out_for_a_reason():
    types = {entry.model_type for entry in ARCHITECTURES.values()}
    assert types | LEFT_OUT.keys() == MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.keys()
    assert not types & LEFT_OUT.keys()


@pytest.mark.parametrize("name", SAMPLE)
def test_a_folder_loads_as_the_model_that_was_built(name: str, tmp_path: Path):
    write(name, tmp_path)
    loaded, report = AutoModelForCausalLM.from_pretrained(
        tmp_path, dtype=torch.float32, output_loading_info=True
    )
    assert not any(report.values())
    assert torch.equal(_logits(loaded, _ids(0)), _logits(build(name), _ids(0)))


@pytest.mark.parametrize("name", SAMPLE)
def test_its_tokenizer_fits_it(name: str, tmp_path: Path):
    write(name, tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    settings = build(name).config.get_text_config(decoder=True)
    assert len(tokenizer) <= settings.vocab_size
    for role in ("bos", "eos", "pad"):
        assert getattr(tokenizer, f"{role}_token_id") == getattr(settings, f"{role}_token_id")
    text = "Say it: 3 words, ünsaid – no more.\n"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


@pytest.mark.parametrize("name", SAMPLE)
def test_its_logits_tell_inputs_apart_and_are_never_certain(name: str):
    model = build(name)
    one, other = (_logits(model, _ids(seed)) for seed in (0, 1))
    assert (one - other).abs().mean() > 0.3
    assert (one.softmax(-1).amax(-1) < 0.9).float().mean() > 0.9


def test_answers_of_a_batch_end_at_different_steps():
    model = build("llama")
    prompts = _ids(0).reshape(8, 10)
    answers = model.generate(
        prompts, attention_mask=torch.ones_like(prompts), max_new_tokens=40, do_sample=False
    )
    ends = torch.isin(answers[:, 10:], torch.tensor(model.generation_config.eos_token_id))
    assert len(set(ends.int().argmax(1).tolist())) > 2


def test_a_seed_decides_the_weights_and_nothing_else_does():
    before = torch.random.get_rng_state()
    one = build("qwen3_next", seed=3)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(99)
    for name, weight in build("qwen3_next", seed=3).state_dict().items():
        assert torch.equal(weight, one.state_dict()[name]), name
    assert not torch.equal(_logits(build("qwen3_next", seed=4), _ids(0)), _logits(one, _ids(0)))


def test_what_a_type_draws_with_a_meaning_stays_as_drawn():
    spread, drawn = build("mamba2"), _as_drawn("mamba2")
    assert torch.equal(spread.backbone.layers[0].mixer.A_log, drawn.backbone.layers[0].mixer.A_log)
    positions = build("marian").model.decoder.embed_positions.weight
    assert torch.equal(positions, _as_drawn("marian").model.decoder.embed_positions.weight)
    assert 0.15 < spread.backbone.layers[0].mixer.in_proj.weight.std() < 0.25


def test_a_field_that_a_type_does_not_know_is_an_error():
    with pytest.raises(ValueError, match="llama: its configuration knows no sliding_windows"):
        config(tiny("llama", sliding_windows=16))


def _ids(seed: int) -> Tensor:
    return torch.randint(3, 900, (1, 80), generator=torch.Generator().manual_seed(seed))


def _logits(model: PreTrainedModel, ids: Tensor) -> Tensor:
    with torch.no_grad():
        return model(input_ids=ids).logits


def _as_drawn(name: str) -> PreTrainedModel:
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config(ARCHITECTURES[name]), dtype=torch.float32)
