from pathlib import Path
from typing import Any

import pytest
import torch

from grice_core.evaluation.answers import AnswerJournal, Answers
from grice_core.evaluation.decoding import DecodingChoice
from grice_core.evaluation.generation import generate
from grice_core.evaluation.sampling import Sampling

SAMPLING = Sampling(temperature=0.7, top_p=0.9, max_new_tokens=8, seed=0)
PROMPTS = [f"w{number}" for number in range(10)]
SCORES = (0.1, 1 / 3, 1e-300, 1.0)


def test_each_model_finds_its_own_answers_again_to_the_last_bit(tmp_path: Path) -> None:
    with AnswerJournal(tmp_path / "journal", "work") as journal:
        journal.of("baseline").keep_responses({0: "yes", 2: "„no“\n"})
        journal.of("stage1").keep_responses({0: "well"})
        journal.of("baseline").keep_scores({2: SCORES})

    with AnswerJournal(tmp_path / "journal", "work") as journal:
        baseline, stage1 = journal.of("baseline"), journal.of("stage1")
        assert (baseline.responses, baseline.scores) == ({0: "yes", 2: "„no“\n"}, {2: SCORES})
        assert (stage1.responses, stage1.scores) == ({0: "well"}, {})


@pytest.mark.parametrize(("bf16", "rows"), [(False, 2), (True, 4)], ids=["fp32", "bf16"])
def test_only_what_is_lacking_is_written_again_and_its_batch_where_that_decides(
    bf16: bool, rows: int, gpt2: Any, tokenizer: Any
) -> None:
    asked: list[int] = []
    gpt2.register_forward_pre_hook(
        lambda _, __, inputs: asked.append(len(inputs["input_ids"])), with_kwargs=True
    )

    def write(answers: Answers) -> list[str]:
        asked.clear()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            return generate(
                gpt2,
                tokenizer,
                PROMPTS,
                SAMPLING,
                batch_size=4,
                decoding=DecodingChoice("batched"),
                answers=answers,
            )

    whole = Answers()
    texts = write(whole)
    assert [whole.responses[place] for place in range(10)] == texts
    assert write(whole) == texts
    assert asked == []
    some = Answers({place: text for place, text in whole.responses.items() if place not in (4, 9)})
    assert write(some) == texts
    assert asked[0] == rows
    assert some.responses == whole.responses


@pytest.mark.parametrize(
    ("decoding", "sizes"), [("refilled", [5, 5]), ("batched", [5, 5]), ("alone", [1] * 10)]
)
def test_in_bf16_rows_that_are_written_together_are_kept_together(
    decoding: Any, sizes: list[int], gpt2: Any, tokenizer: Any
) -> None:
    """Ten in batches of up to six: twice five, so that none is small; one at a time where rows are alone anyway."""
    written: list[int] = []
    answers = Answers(write=lambda entries: written.append(len(list(entries))))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        generate(
            gpt2,
            tokenizer,
            PROMPTS,
            SAMPLING,
            batch_size=6,
            decoding=DecodingChoice(decoding),
            answers=answers,
        )
    assert written == sizes


def test_progress_comes_to_its_end_even_if_all_is_there(gpt2: Any, tokenizer: Any) -> None:
    answers, seen = Answers(dict.fromkeys(range(10), "known")), []
    texts = generate(
        gpt2,
        tokenizer,
        PROMPTS,
        SAMPLING,
        answers=answers,
        progress=lambda *told: seen.append(told),
    )
    assert set(texts) == {"known"}
    assert seen[-1] == ("generate responses", 10, 10)
