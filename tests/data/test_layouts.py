"""Every layout of pairs and prompts, a row or two of each as its writer or documentation has them."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grice_core.data.batches import batch_of_objects
from grice_core.data.layouts.conversion import sample_of
from grice_core.data.layouts.mapping import FieldMap
from grice_core.data.layouts.opening import PromptsAloneError, Reading, UnclearLayoutError
from grice_core.data.layouts.registry import LAYOUTS, fitting, layout_named
from grice_core.data.layouts.scale import Scale
from grice_core.data.load import LoadedPairs, load_pairs, load_prompts
from grice_core.data.parse import parse_rows
from grice_core.errors import DataError
from grice_core.maxims import MAXIMS
from tests.data.files import GOOD, json_file, json_lines_file, pair

ASK, GOOD_ANSWER, BAD_ANSWER = "When does the ferry leave?", "At nine.", "Ferries are boats."
PAIR = (ASK, GOOD_ANSWER, BAD_ANSWER)
USER = {"role": "user", "content": ASK}
YES = {"role": "assistant", "content": GOOD_ANSWER}
NO = {"role": "assistant", "content": BAD_ANSWER}
SYSTEM = {"role": "system", "content": "Be brief."}
HUMAN = {"from": "human", "value": ASK}
GPT_YES, GPT_NO = {"from": "gpt", "value": GOOD_ANSWER}, {"from": "gpt", "value": BAD_ANSWER}
SIDES = {"chosen": GOOD_ANSWER, "rejected": BAD_ANSWER}
BOTH = {"chosen": YES, "rejected": NO}
BEHIND_SYSTEM = (f"[system]: Be brief.\n[user]: {ASK}", GOOD_ANSWER, BAD_ANSWER)


def transcript(answer: str) -> str:
    return f"\n\nHuman: {ASK}\n\nAssistant: {answer}"


def completion(response: str, *ratings: str) -> dict[str, Any]:
    aspects = ("helpfulness", "honesty")
    found = {name: {"Rating": rating} for name, rating in zip(aspects, ratings, strict=True)}
    return {"model": "m", "response": response, "annotations": found}


def argilla(**answers: Any) -> dict[str, Any]:
    fields = {"prompt": ASK, "response-1": GOOD_ANSWER, "response-2": BAD_ANSWER}
    return {"id": "0", "fields": fields, "metadata": {}, "suggestions": {}, "responses": answers}


def flattened(*values: Any, status: list[str], **suggested: str) -> dict[str, Any]:
    """As Argilla 2.8's `to_list(flatten=True)` and `to_datasets()`; `source` is metadata."""
    fields = {"prompt": ASK, "response-1": GOOD_ANSWER, "response-2": BAD_ANSWER, "source": "a b"}
    answers = {
        "best.responses": list(values),
        "best.responses.users": ["u"] * len(status),
        "best.responses.status": status,
        **{f"best.{name}": value for name, value in suggested.items()},
    }
    return {"id": "0", "status": "completed", "_server_id": None, **fields, **answers}


def label_studio(selected: str, **data: str) -> dict[str, Any]:
    result = {"type": "pairwise", "from_name": "pw", "value": {"selected": selected}}
    return {"id": 1, "data": data, "annotations": [{"result": [result]}]}


PAIRS: dict[str, list[tuple[Any, tuple[str, str, str]]]] = {
    "trl": [
        ({"prompt": ASK, **SIDES}, PAIR),
        ({"prompt": [USER], "chosen": [YES], "rejected": [NO]}, PAIR),
        ({"chosen": [USER, YES], "rejected": [USER, NO]}, PAIR),
        ({"prompt": [USER], "tools": [{"type": "function"}], **BOTH}, PAIR),
        ({"context": ASK, "chosen_response": GOOD_ANSWER, "rejected_response": BAD_ANSWER}, PAIR),
    ],
    "ultrafeedback-binarized": [
        (
            {
                "prompt": ASK,
                "prompt_id": "0a",
                "chosen": [USER, YES],
                "rejected": [USER, NO],
                "messages": [USER, YES],
                "score_chosen": 8.0,
                "score_rejected": 2.0,
            },
            PAIR,
        )
    ],
    "trl-implicit-text": [
        ({"chosen": f"{ASK} {GOOD_ANSWER}", "rejected": f"{ASK} {BAD_ANSWER}"}, PAIR),
        # The answers begin alike, too: whole words of that belong to the prompt.
        (
            {"chosen": "Who? At sea", "rejected": "Who? At seven", "n": 1},
            ("Who? At", "sea", "seven"),
        ),
    ],
    "anthropic-hh": [
        ({"chosen": transcript(GOOD_ANSWER), "rejected": transcript(BAD_ANSWER)}, PAIR),
    ],
    "openai-preference": [
        (
            {
                "input": {"messages": [USER], "tools": [], "parallel_tool_calls": True},
                "preferred_output": [YES],
                "non_preferred_output": [NO],
            },
            PAIR,
        )
    ],
    "alpaca": [
        ({"instruction": ASK, "input": "", **SIDES}, PAIR),
        ({"instruction": "Answer.", "input": ASK, **SIDES}, (f"Answer.\n{ASK}", *PAIR[1:])),
        ({"instruction": ASK, "system": "Be brief.", **SIDES}, BEHIND_SYSTEM),
        (
            {"instruction": ASK, "history": [["Hi", "Hello"]], **SIDES},
            (f"[user]: Hi\n[assistant]: Hello\n[user]: {ASK}", *PAIR[1:]),
        ),
        (
            {"instruction": ASK, "chosen_response": GOOD_ANSWER, "rejected_response": BAD_ANSWER},
            PAIR,
        ),
    ],
    "sharegpt": [
        ({"conversations": [HUMAN], "chosen": GPT_YES, "rejected": GPT_NO}, PAIR),
        (
            {
                "conversations": [{"from": "system", "value": "Be brief."}, HUMAN],
                "chosen": [GPT_YES],
                "rejected": [GPT_NO],
            },
            BEHIND_SYSTEM,
        ),
        ({"prompt": ASK, "chosen": [HUMAN, GPT_YES], "rejected": [HUMAN, GPT_NO]}, PAIR),
        (
            {
                "conversations": [HUMAN],
                "chosen": {"from": "function_call", "value": '{"name": "find", "arguments": {}}'},
                "rejected": GPT_NO,
            },
            (ASK, "→ find({})", BAD_ANSWER),
        ),
    ],
    "messages-preference": [
        ({"messages": [USER], **BOTH}, PAIR),
        ({"messages": [SYSTEM, USER], **SIDES}, BEHIND_SYSTEM),
        ({"messages": [USER], "chosen": [YES], "rejected": [NO]}, PAIR),
    ],
    "axolotl": [
        ({"system": "Be brief.", "question": ASK, **SIDES}, BEHIND_SYSTEM),
        ({"system": "", "input": ASK, **SIDES}, PAIR),
    ],
    "ultrafeedback": [
        (
            {
                "instruction": ASK,
                "models": ["m", "n", "o"],
                "completions": [
                    completion("Maybe.", "3", "3"),
                    completion(BAD_ANSWER, "1", "N/A"),
                    completion(GOOD_ANSWER, "5", "4"),
                ],
            },
            PAIR,
        )
    ],
    "distilabel": [
        (
            {
                "instruction": ASK,
                "generations": [BAD_ANSWER, "Maybe.", GOOD_ANSWER],
                "ratings": [1.0, None, 4.5],
            },
            PAIR,
        ),
        ({"messages": [USER], "generations": [GOOD_ANSWER, BAD_ANSWER], "ratings": [5, 2]}, PAIR),
        (
            {
                "input": ASK,
                "candidates": [BAD_ANSWER, "Maybe.", GOOD_ANSWER],
                "ranks": [3, 2, 1],
                "ranked_candidates": [GOOD_ANSWER, "Maybe.", BAD_ANSWER],
            },
            PAIR,
        ),
    ],
    "nectar": [
        (
            {
                "prompt": f"\n\nHuman: {ASK}\n\nAssistant: ",
                "answers": [
                    {"answer": BAD_ANSWER, "rank": 7.0},
                    {"answer": GOOD_ANSWER, "rank": 1.0},
                ],
            },
            PAIR,
        )
    ],
    "helpsteer3": [
        (
            {
                "context": [USER],
                "response1": BAD_ANSWER,
                "response2": GOOD_ANSWER,
                "overall_preference": 2,
            },
            PAIR,
        )
    ],
    "helpsteer2-preference": [
        (
            {
                "prompt": ASK,
                "response_1": GOOD_ANSWER,
                "response_2": BAD_ANSWER,
                "preference_strength": -3,
            },
            PAIR,
        )
    ],
    "pku-better": [
        (
            {
                "prompt": ASK,
                "response_0": BAD_ANSWER,
                "response_1": GOOD_ANSWER,
                "better_response_id": 1,
                "safer_response_id": 1,
            },
            PAIR,
        )
    ],
    "shp": [
        (
            {
                "history": ASK,
                "human_ref_A": GOOD_ANSWER,
                "human_ref_B": BAD_ANSWER,
                "labels": 1,
                "score_A": 9,
            },
            PAIR,
        )
    ],
    "arena": [
        (
            {
                "model_a": "x",
                "conversation_a": [USER, NO],
                "conversation_b": [USER, YES],
                "winner": "model_b",
            },
            PAIR,
        )
    ],
    "arena-columns": [
        (
            {
                "prompt": json.dumps([ASK]),
                "response_a": json.dumps([GOOD_ANSWER]),
                "response_b": json.dumps([BAD_ANSWER]),
                "winner_model_a": 1,
                "winner_model_b": 0,
                "winner_tie": 0,
            },
            PAIR,
        ),
        (
            {
                "prompt": ASK,
                "response_a": BAD_ANSWER,
                "response_b": GOOD_ANSWER,
                "winner": "B",
            },
            PAIR,
        ),
    ],
    "argilla": [
        (argilla(preference=[{"value": "response-1", "user_id": "u"}]), PAIR),
        (argilla(ranking=[{"value": ["response-1", "response-2"], "user_id": "u"}]), PAIR),
        (
            # As distilabel's PreferenceToArgilla asks, each annotator in two questions.
            argilla(
                **{
                    "response-1-rating": [{"value": 3, "user_id": "u"}, {"value": 5}],
                    "response-2-rating": [{"value": 3, "user_id": "u"}, {"value": 1}],
                    "response-2-rationale": [{"value": "9"}],
                }
            ),
            PAIR,
        ),
        (
            argilla(
                ranking=[
                    {
                        "value": [
                            {"value": "response-2", "rank": 2},
                            {"value": "response-1", "rank": 1},
                        ]
                    }
                ]
            ),
            PAIR,
        ),
    ],
    "argilla-flattened": [
        (flattened("response-2", "response-1", status=["discarded", "submitted"]), PAIR),
        (flattened(["response-1", "response-2"], status=["submitted"]), PAIR),
        (flattened(status=[], suggestion="response-1"), PAIR),
    ],
    "label-studio": [
        (label_studio("left", prompt=ASK, answer1=GOOD_ANSWER, answer2=BAD_ANSWER), PAIR),
        (label_studio("right", prompt=ASK, answer1=BAD_ANSWER, answer2=GOOD_ANSWER), PAIR),
    ],
}
CASES = [
    pytest.param(name, row, texts, id=f"{name} {number}")
    for name, rows in PAIRS.items()
    for number, (row, texts) in enumerate(rows)
]

PROMPTS: dict[str, list[Any]] = {
    "prompts": [{"prompt": ASK}, {"prompt": [USER], "label": True}],
    "texts": [ASK],
    "lm-eval": [
        {"doc": {}, "arguments": {"gen_args_0": {"arg_0": ASK, "arg_1": {}}}, "resps": [[""]]},
        {"doc": {}, "arguments": [[ASK, {"until": []}]], "resps": [[""]]},
        {
            "doc": {},
            "arguments": {"gen_args_0": {"arg_0": [json.dumps([USER])]}},
            "filtered_resps": [""],
        },
    ],
    "inspect": [{"input": ASK, "target": "nine"}, {"input": [USER], "target": ["nine", "9"]}],
    "mt-bench": [
        {"question_id": 81, "category": "travel", "turns": [ASK, "And back?"]},
        {"prompt_id": 81, "category": "travel", "prompt": [ASK, "And back?"]},
    ],
    "openai-batch": [
        {"custom_id": "1", "method": "POST", "body": {"model": "m", "messages": [USER]}},
        {"custom_id": "1", "method": "POST", "body": {"model": "m", "input": ASK}},
    ],
    "messages": [
        {"messages": [USER]},
        {"messages": [USER, YES]},
        {"conversations": [HUMAN, GPT_NO]},
    ],
    "alpaca-eval": [{"instruction": ASK, "output": "?", "generator": "m", "dataset": "d"}],
    "questions": [{"question": ASK, "answer": "nine"}],
}


def texts(found: LoadedPairs) -> list[tuple[str, ...]]:
    return [tuple(row.values()) for row in found.table.texts.to_pylist()]


@pytest.mark.parametrize(("name", "row", "expected"), CASES)
def test_pairs_of_each_layout_are_read(name, row, expected, tmp_path: Path) -> None:
    found = load_pairs(json_file(tmp_path, row))
    assert texts(found) == [expected]
    assert found.read_as.startswith(layout_named(name).title)
    assert not found.report.problems
    assert load_prompts(json_lines_file(tmp_path, row)).prompts == [expected[0]]


@pytest.mark.parametrize(
    ("row", "expected"), [pytest.param(*case.values[1:], id=case.id) for case in CASES]
)
def test_csv_cells_with_lists_and_objects_are_the_same_pairs(row, expected, tmp_path) -> None:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(row))
    writer.writeheader()
    writer.writerow({k: v if isinstance(v, str) else json.dumps(v) for k, v in row.items()})
    (tmp_path / "pairs.csv").write_text(file.getvalue())
    assert texts(load_pairs(tmp_path / "pairs.csv")) == [expected]


@pytest.mark.parametrize(
    "cells",
    [
        # `datasets.to_csv` goes through pandas, which prints NumPy's arrays.
        {"instruction": ASK, "generations": "['a b' 'c']", "ratings": "[2 5]", "model_name": "m"},
        {"messages": "[{'role': 'user'}]", "generations": "[\"it's\" 'c']", "ratings": "[2 5]"},
        {"id": "0", "status": "pending", "prompt": ASK, "x.responses": "['a' 'b']"}
        | {"x.responses.users": "['u' 'v']", "a": "yes", "b": "no"},
    ],
    ids=["distilabel", "distilabel chat", "argilla"],
)
def test_lists_that_numpy_has_printed_are_lost_and_it_says_so(cells, tmp_path: Path) -> None:
    with (tmp_path / "pairs.csv").open("w") as file:
        writer = csv.DictWriter(file, list(cells))
        writer.writeheader()
        writer.writerow(cells)
    with pytest.raises(DataError, match="as NumPy prints them, without commas") as error:
        load_pairs(tmp_path / "pairs.csv")
    assert "to_parquet, to_json" in str(error.value)


def test_printed_arrays_that_no_layout_needs_are_no_trouble(tmp_path: Path) -> None:
    row = {"prompt": ASK, **SIDES, "embedding": "[0.1 -2e-05 3.]"}
    found = load_pairs(json_file(tmp_path, row))
    assert texts(found) == [PAIR]


@pytest.mark.parametrize(
    ("name", "row"), [(name, row) for name, rows in PROMPTS.items() for row in rows]
)
def test_prompts_of_each_layout_are_read(name: str, row: Any, tmp_path: Path) -> None:
    found = load_prompts(json_file(tmp_path, row))
    assert found.prompts == [ASK]
    assert found.read_as.startswith(layout_named(name).title)


JUNK = (None, 1, True, "x", [], {}, [1], [[1]], ["x", None], {"a": [1]}, [{"role": "user"}])


def spoilt(value: Any) -> Iterator[Any]:
    """The value with each of its parts, and itself, replaced by what doesn't belong there."""
    yield from JUNK
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from (value | {key: one} for one in spoilt(inner))
    if isinstance(value, list):
        for place, inner in enumerate(value):
            yield from ([*value[:place], one, *value[place + 1 :]] for one in spoilt(inner))


@pytest.mark.parametrize("name", [*PAIRS, "helpsteer", *PROMPTS])
def test_rows_with_anything_anywhere_are_never_a_traceback(name: str) -> None:
    rated = {"prompt": ASK, "response": "a", "helpfulness": 1}
    good = [row for row, _ in PAIRS.get(name, ())] or PROMPTS.get(name, [rated])
    rows = [one for row in good for one in spoilt(row) if isinstance(one, dict)]
    for batch in layout_named(name).convert(iter([batch_of_objects("f", rows)])):
        parse_rows(batch)
    for row in rows:
        sample = sample_of(batch_of_objects("f", [row]))
        for layout in (*fitting(sample), *fitting(sample, for_prompts=True)):
            layout.describe(sample)


def test_lines_of_a_text_file_are_prompts(tmp_path: Path) -> None:
    (tmp_path / "ask.txt").write_text(f"{ASK}\n\n Where? \n")
    assert load_prompts(tmp_path / "ask.txt").prompts == [ASK, "Where?"]
    with pytest.raises(PromptsAloneError):
        load_pairs(tmp_path / "ask.txt")


@pytest.mark.parametrize("name", ["openai-preference", "messages-preference", "argilla", "nectar"])
def test_one_row_in_a_json_file_is_a_row(name: str, tmp_path: Path) -> None:
    row, expected = PAIRS[name][0]
    (tmp_path / "one.json").write_text(json.dumps(row))
    assert texts(load_pairs(tmp_path / "one.json")) == [expected]


def test_each_layout_is_tried_here_and_says_where_it_is_from() -> None:
    tried = {*PAIRS, *PROMPTS, "pku-safer", "helpsteer", "kto"}
    assert {layout.name for layout in LAYOUTS} == tried
    assert all(layout.title and layout.source for layout in LAYOUTS)


def test_rated_responses_that_follow_each_other_make_a_pair(tmp_path: Path) -> None:
    def rated(prompt: str, response: str, helpfulness: int) -> dict[str, Any]:
        others = dict.fromkeys(("correctness", "coherence", "complexity", "verbosity"), 2)
        return {"prompt": prompt, "response": response, "helpfulness": helpfulness, **others}

    rows = [
        rated(ASK, BAD_ANSWER, 1),
        rated(ASK, "Maybe.", 2),
        rated(ASK, GOOD_ANSWER, 4),
        rated("Where?", "Here.", 3),
        rated("Where?", "There.", 3),
        rated("Who?", "I.", 0),
        rated("Who?", "Ida.", 1),
    ]
    found = load_pairs(json_lines_file(tmp_path, *rows))
    assert texts(found) == [PAIR, ("Who?", "Ida.", "I.")]
    assert found.table.rows.tolist() == [1, 6]
    assert [(problem.code, problem.rows) for problem in found.report.problems] == [
        ("no_preference", (4,))
    ]


def test_a_tie_is_left_out_and_still_has_a_prompt(tmp_path: Path) -> None:
    ((row, _),) = PAIRS["arena"]
    path = json_lines_file(tmp_path, row, row | {"winner": "tie (bothbad)"})
    found = load_pairs(path)
    assert [(problem.code, problem.rows) for problem in found.report.problems] == [
        ("no_preference", (2,))
    ]
    assert json.loads(found.unusable.column("content")[0].as_py())["winner"] == "tie (bothbad)"
    assert load_prompts(path).prompts == [ASK, ASK]


def test_where_two_layouts_fit_and_differ_it_is_asked(tmp_path: Path) -> None:
    ((row, _),) = PAIRS["pku-better"]
    path = json_lines_file(tmp_path, row, row | {"safer_response_id": 0})
    with pytest.raises(UnclearLayoutError, match="--layout pku-better or --layout pku-safer"):
        load_pairs(path)
    assert texts(load_pairs(path, reading=Reading("pku-safer")))[1] == (
        ASK,
        BAD_ANSWER,
        GOOD_ANSWER,
    )


@pytest.mark.parametrize(
    "row",
    [{"prompt": ASK, "completion": "a b", "label": True}, {"messages": [USER, YES], "label": 0}],
)
def test_unpaired_rows_are_refused_with_the_reason(row, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is KTO .*each row has one response"):
        load_pairs(json_file(tmp_path, row))
    assert load_prompts(json_file(tmp_path, row)).prompts == [ASK]


def test_prompts_alone_are_not_called_broken_pairs(tmp_path: Path) -> None:
    with pytest.raises(PromptsAloneError, match=r"holds prompts alone \(Inspect samples\)"):
        load_pairs(json_file(tmp_path, {"input": ASK, "target": "nine"}))


@pytest.mark.parametrize(
    "row",
    [
        {"chosen": GOOD_ANSWER, "rejected": BAD_ANSWER},
        {"query": ASK, "chosen": "The a b", "rejected": "The c d"},
        {"Promt": ASK, "chosen": "The a b", "rejected": "The c d"},
        {"question": ASK, "model one": GOOD_ANSWER, "model two": BAD_ANSWER},
    ],
)
def test_a_prompt_is_not_guessed_where_another_field_may_hold_it(row, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no field 'prompt'"):
        load_pairs(json_file(tmp_path, row))


def test_a_mapping_finds_what_no_layout_does(tmp_path: Path) -> None:
    row = {"ask": {"text": ASK}, "output": [GOOD_ANSWER, BAD_ANSWER], "a.b": 1, "kept": "x"}
    field_map = FieldMap.parse(["prompt=ask.text,chosen=output.0", "rejected=output.-1"])
    found = load_pairs(json_file(tmp_path, row), reading=Reading(field_map=field_map))
    assert texts(found) == [PAIR]
    assert {"ask", "output", "a.b", "kept"} == set(found.table.extras.column_names)
    assert FieldMap.of(field_map.document()) == field_map


def test_scores_are_mapped_by_name_scale_and_direction(tmp_path: Path) -> None:
    row = pair(
        chosen_scores=...,
        rejected_scores=...,
        good={maxim.title(): 5 for maxim in MAXIMS},
        bad={maxim.title(): "2" for maxim in MAXIMS},
    )
    maps = [
        f"{side}_{maxim}={field}.{maxim.title()}"
        for side, field in (("chosen", "good"), ("rejected", "bad"))
        for maxim in MAXIMS
    ]
    field_map = FieldMap.parse(maps, ["1-5,higher", "manner=0-10,lower"])
    found = load_pairs(json_file(tmp_path, row), reading=Reading(field_map=field_map))
    assert found.table.chosen_scores.tolist() == [[0.0, 0.0, 0.0, 0.5]]
    assert found.table.rejected_scores.tolist() == [[0.75, 0.75, 0.75, 0.2]]
    assert "1 to 5, higher is better: 5 becomes 0 (no violation), 1 becomes 1" in found.read_as


def test_a_scale_alone_is_that_of_the_usual_fields(tmp_path: Path) -> None:
    percent = {maxim: 100 * value for maxim, value in GOOD.items()}
    path = json_file(tmp_path, pair(chosen_scores=percent, rejected_scores=percent))
    found = load_pairs(path, reading=Reading(field_map=FieldMap.parse([], ["0-100,lower"])))
    assert found.table.chosen_scores.tolist() == [pytest.approx([GOOD[maxim] for maxim in MAXIMS])]


@pytest.mark.parametrize(
    ("maps", "scales", "sentence"),
    [
        (["prompt"], [], "write TARGET=FIELD"),
        (["promt=a"], [], "there is no target 'promt'"),
        (["prompt=nothing"], [], r"has no field for prompt=nothing; it has: 'chosen'"),
        (["prompt=prompt.0"], [], r"nothing stands at 'prompt.0'"),
        ([], ["5-1,higher"], "name its lower end first"),
        ([], ["1-5"], "is no scale"),
        ([], ["tact=1-5,higher"], "there is no maxim 'tact'"),
    ],
)
def test_a_mapping_that_leads_nowhere_is_explained(maps, scales, sentence, tmp_path: Path) -> None:
    path = json_file(tmp_path, pair())
    with pytest.raises(DataError, match=sentence):
        load_pairs(path, reading=Reading.of_options(None, maps, scales))


@pytest.mark.parametrize("written", ["1-5,higher", "0-100,lower", "-1.5-1.5,higher"])
def test_a_scale_is_read_as_it_is_written(written: str) -> None:
    assert Scale.parse(written).written == written
