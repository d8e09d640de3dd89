from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model

from grice_core.chat.choice import FormatChoice
from grice_core.chat.format import Prompt
from grice_core.errors import DataError, ModelError
from grice_core.evaluation import decoding, generation
from grice_core.evaluation.answers import Answers
from grice_core.evaluation.decoding import DecodingChoice
from grice_core.evaluation.generation import generate, stream
from grice_core.evaluation.sampling import Sampling
from tests.chat import made

SAMPLING = Sampling(temperature=0.7, top_p=0.9, max_new_tokens=16, seed=0)


@pytest.fixture(params=["gpt2", "llama"])
def model(request: pytest.FixtureRequest) -> Any:
    model = request.getfixturevalue(request.param)
    # Several end tokens, as chat models have, so that responses end at all lengths.
    model.generation_config.eos_token_id = list(range(270, 300))
    return model


@pytest.fixture(scope="module")
def prompts() -> list[str]:
    """Twenty prompts of 1 to 40 tokens."""
    generator = np.random.default_rng(0)
    lengths = generator.integers(1, 41, size=20)
    return [" ".join(f"w{i}" for i in generator.integers(270, size=n)) for n in lengths]


def test_the_batch_size_changes_no_text(model: Any, tokenizer: Any, prompts: list[str]) -> None:
    one, sixteen = (
        generate(model, tokenizer, prompts, SAMPLING, batch_size=size) for size in (1, 16)
    )

    assert one == sixteen
    assert len({len(text.split()) for text in one}) > 5


def test_rows_that_end_make_room_for_the_next_ones(
    model: Any, tokenizer: Any, prompts: list[str]
) -> None:
    """A batch of 8 has 6 rows at least until no prompt waits any more."""
    sizes: list[tuple[int, int]] = []

    def note(_: object, __: object, inputs: Any) -> None:
        if inputs["use_cache"]:  # else a close call
            sizes.append(tuple(inputs["input_ids"].shape))

    model.register_forward_pre_hook(note, with_kwargs=True)
    choice = DecodingChoice("refilled")
    generate(model, tokenizer, prompts, SAMPLING, batch_size=8, decoding=choice)
    last_read = max(n for n, (_, tokens) in enumerate(sizes) if tokens > 1)
    steps = [rows for rows, tokens in sizes[:last_read] if tokens == 1]
    assert len(steps) > 10
    assert min(steps) >= 6
    assert max(steps) == 8


def test_answers_that_reach_the_token_limit_are_noted(
    model: Any, tokenizer: Any, prompts: list[str]
) -> None:
    answers = Answers()
    texts = generate(model, tokenizer, prompts, SAMPLING, answers=answers)
    assert 0 < len(answers.cut) < len(texts)
    # A word is a token here: what ended by itself has fewer.
    assert answers.cut == {n for n, text in enumerate(texts) if len(text.split()) == 16}
    assert answers.tokens == {n: len(text.split()) for n, text in enumerate(texts)}


def test_rounding_errors_of_a_batch_change_no_text(
    gpt2: Any, tokenizer: Any, prompts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With errors thousands of times larger than real ones, on every pass but those of one row alone."""
    generator = torch.Generator().manual_seed(0)
    exact, alone = gpt2.forward, []

    def rounded(**inputs: Any) -> Any:
        output = exact(**inputs)
        if inputs["use_cache"]:
            error = torch.rand(output.logits.shape, generator=generator) * 2 - 1
            output.logits = output.logits + 0.01 * error
        else:
            alone.append(inputs["input_ids"])
        return output

    expected = generate(gpt2, tokenizer, prompts, SAMPLING)
    monkeypatch.setattr(gpt2, "forward", rounded)
    # Errors of 0.01 in the logits and 0.01 in their sum, both divided by the temperature 0.7.
    monkeypatch.setattr(generation, "TOLERANCE", 2 * 0.02 / 0.7)
    monkeypatch.setattr(decoding, "LARGEST_TOLERANCE", 0.05)
    monkeypatch.setattr(decoding, "TOLERANCE", 0.05)

    assert generate(gpt2, tokenizer, prompts, SAMPLING) == expected
    assert 0 < len(alone) < 100
    monkeypatch.setattr(generation, "TOLERANCE", 0.0)
    assert generate(gpt2, tokenizer, prompts, SAMPLING) != expected


def test_tokens_come_from_the_models_own_probabilities(model: Any, tokenizer: Any) -> None:
    """A temperature near 0 leaves the most probable token, found here by whole passes."""
    coldest = Sampling(temperature=1e-4, top_p=0.9, max_new_tokens=6, seed=0)
    prompts = ["w1 w2 w3 w4 w5", "w6"]

    for prompt, text in zip(prompts, generate(model, tokenizer, prompts, coldest), strict=True):
        ids = tokenizer(prompt)["input_ids"]
        while len(ids) < len(prompt.split()) + 6:
            best = int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax())
            if best >= 270:
                break
            ids.append(best)
        assert f"{prompt} {text}".strip() == " ".join(f"w{token}" for token in ids)


def test_a_seed_gives_the_same_texts_and_another_seed_others(
    gpt2: Any, tokenizer: Any, prompts: list[str]
) -> None:
    other = Sampling(0.7, 0.9, 16, seed=1)

    first = generate(gpt2, tokenizer, prompts, SAMPLING)

    assert generate(gpt2, tokenizer, prompts, SAMPLING) == first
    assert generate(gpt2, tokenizer, prompts, other) != first


def test_a_response_depends_on_its_prompt_only(
    gpt2: Any, tokenizer: Any, prompts: list[str]
) -> None:
    together = generate(gpt2, tokenizer, prompts, SAMPLING)

    assert generate(gpt2, tokenizer, prompts[::-1], SAMPLING) == together[::-1]
    assert generate(gpt2, tokenizer, prompts[7:9], SAMPLING) == together[7:9]


def test_an_untrained_adapter_changes_nothing(
    gpt2: Any, tokenizer: Any, prompts: list[str]
) -> None:
    plain = generate(gpt2, tokenizer, prompts, SAMPLING)
    adapted = get_peft_model(gpt2, LoraConfig(r=2, target_modules=["c_attn"], fan_in_fan_out=True))

    assert generate(adapted, tokenizer, prompts, SAMPLING) == plain


def test_samples_of_a_prompt_stand_together_and_the_first_is_the_only_one_of_k_1(
    gpt2: Any, tokenizer: Any, prompts: list[str]
) -> None:
    three = Sampling(0.7, 0.9, 16, seed=0, samples_per_prompt=3)

    texts = generate(gpt2, tokenizer, prompts[:4], three)

    assert len(texts) == 12
    assert texts[::3] == generate(gpt2, tokenizer, prompts[:4], SAMPLING)
    assert all(len({*texts[i : i + 3]}) == 3 for i in range(0, 12, 3))


def test_a_prompt_that_leaves_no_room_is_cut_from_its_left(gpt2: Any, tokenizer: Any) -> None:
    # 64 positions − 16 new tokens leave 48 for the prompt.
    words = [f"w{i}" for i in range(100)]
    asked = []
    forward = gpt2.forward
    gpt2.forward = lambda **inputs: asked.append(inputs["input_ids"]) or forward(**inputs)

    generate(gpt2, tokenizer, [" ".join(words)], SAMPLING)

    prompts = [ids.tolist() for ids in asked if ids.shape[1] == 48]
    assert prompts
    assert all(ids == [list(range(52, 100))] for ids in prompts)
    assert all(ids.shape[1] < 64 for ids in asked)  # what is written counts too


def test_a_response_longer_than_the_model_is_refused(gpt2: Any, tokenizer: Any) -> None:
    with pytest.raises(ModelError, match=r"64 positions.*lower evaluation.max_new_tokens"):
        generate(gpt2, tokenizer, ["w1"], Sampling(0.7, 0.9, 64, 0))


def test_every_module_comes_back_in_its_own_mode(gpt2: Any, tokenizer: Any) -> None:
    gpt2.train()
    gpt2.transformer.drop.eval()
    modes = [module.training for module in gpt2.modules()]

    texts = generate(gpt2, tokenizer, ["w1 w2"], SAMPLING)

    assert [module.training for module in gpt2.modules()] == modes
    assert texts == generate(gpt2.eval(), tokenizer, ["w1 w2"], SAMPLING)


def test_progress_counts_responses_to_the_end(
    gpt2: Any, tokenizer: Any, prompts: list[str]
) -> None:
    seen = []
    generate(gpt2, tokenizer, prompts, SAMPLING, progress=lambda *told: seen.append(told))

    assert seen[-1] == ("generate responses", 20, 20)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_no_prompts_give_no_responses(gpt2: Any, tokenizer: Any) -> None:
    assert generate(gpt2, tokenizer, [], SAMPLING) == []


def test_a_model_without_end_tokens_writes_to_the_full_length(gpt2: Any, tokenizer: Any) -> None:
    gpt2.generation_config.eos_token_id = None
    endless = SimpleNamespace(eos_token_id=None)

    assert generation.end_tokens(gpt2, endless) == frozenset()
    gpt2.generation_config.eos_token_id = 5
    assert generation.end_tokens(gpt2, tokenizer) == {5, 299}


COLDEST = Sampling(temperature=1e-4, top_p=0.9, max_new_tokens=6, seed=0)
TURNS = ({"role": "user", "content": "a"}, {"role": "assistant", "content": "b"})


@pytest.mark.parametrize(
    ("asked", "messages"),
    [
        ("a", [{"role": "user", "content": "a"}]),
        (Prompt("a b", (*TURNS, TURNS[0])), [*TURNS, TURNS[0]]),
    ],
    ids=["text", "conversation"],
)
def test_a_chat_model_is_asked_in_its_template(gpt2: Any, asked: Any, messages: Any) -> None:
    """As transformers renders it; found here by whole passes."""
    tokenizer = made.tokenizer(made.NO_END, opens=True)
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True)["input_ids"]
    written: list[int] = []
    while len(written) < 6:
        logits = gpt2(input_ids=torch.tensor([ids + written])).logits
        written.append(int(logits[0, -1].argmax()))
        assert written[-1] != tokenizer.eos_token_id

    (text,) = generate(gpt2, tokenizer, [asked], COLDEST)

    assert text == tokenizer.decode(written, skip_special_tokens=True).strip()
    if isinstance(asked, str):
        assert list(stream(gpt2, tokenizer, asked, COLDEST))[-1] == text


@pytest.mark.parametrize(
    ("template", "name", "expected"),
    [
        (made.CHATML, "auto", 1),
        (made.CHATML, "plain", 6),
        (made.LLAMA, "auto", 6),
    ],
)
def test_an_answer_ends_where_the_template_ends_a_turn(
    gpt2: Any, template: str, name: Any, expected: int
) -> None:
    """Of a model that writes nothing but `<|im_end|>`, which no configuration names."""
    tokenizer = made.tokenizer(template)
    head = torch.nn.Linear(32, 300)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    head.bias.data[tokenizer.convert_tokens_to_ids("<|im_end|>")] = 9.0
    gpt2.lm_head = head
    passes = []
    gpt2.register_forward_hook(lambda *_: passes.append(1))
    form = FormatChoice(name).of(tokenizer)

    assert generate(
        gpt2, tokenizer, ["a"], COLDEST, form=form, decoding=DecodingChoice("batched")
    ) == [""]
    assert len(passes) == expected


def test_what_a_model_writes_before_its_answer_is_left_out(gpt2: Any) -> None:
    tokenizer = made.tokenizer(made.NO_GENERATION_PROMPT)
    answer = tokenizer("Assistant: so")["input_ids"]
    gpt2.config.max_position_embeddings = 2000

    def forward(**_: Any) -> Any:
        logits = torch.zeros(1, 1, 300)
        logits[0, 0, answer.pop(0)] = 9.0
        cache = SimpleNamespace(reorder_cache=lambda _: None)
        return SimpleNamespace(logits=logits, past_key_values=cache)

    gpt2.forward = forward
    short = Sampling(1e-4, 0.9, max_new_tokens=len(answer), seed=0)
    assert generate(gpt2, tokenizer, ["a"], short, decoding=DecodingChoice("batched")) == ["so"]


def test_random_numbers_go_by_the_prompts_text_whatever_the_format(gpt2: Any) -> None:
    """So that a prompt meets the same luck in models of all formats."""
    tokenizer = made.tokenizer(made.CHATML)
    with torch.no_grad():  # a model that does not look at its prompt
        gpt2.transformer.ln_f.weight.zero_()
    prompts = ["a", Prompt("a b", (*TURNS, TURNS[0]))]
    forms = [FormatChoice(name).of(tokenizer) for name in ("plain", "chat")]
    plain, chat = (generate(gpt2, tokenizer, prompts, SAMPLING, form=form) for form in forms)
    assert plain == chat
    assert plain[0] != plain[1]


def test_a_prompt_that_the_template_refuses_is_named(gpt2: Any) -> None:
    system = Prompt("a", ({"role": "system", "content": "a"},))
    with pytest.raises(DataError, match=r"prompt 2 \('a'\): .*System role not supported"):
        generate(gpt2, made.tokenizer(made.GEMMA), ["a", system], SAMPLING)
