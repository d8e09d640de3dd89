"""Conversational rows of a file: their messages stay with their pairs and prompts."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from grice_core.data.batches import batch_of_objects
from grice_core.data.extras import extra_rows
from grice_core.data.load import LoadedPairs, load_pairs, load_prompts
from grice_core.data.messages import Conversation
from grice_core.data.parts import join_parts, take_apart
from grice_core.errors import DataError
from grice_core.maxims import MAXIMS
from tests.data.conversations import (
    ASKED,
    BOATS,
    FOUND,
    NINE,
    SYSTEM,
    TOOLS,
    USER,
    conversational_rows,
)
from tests.data.files import BAD, GOOD, json_file, pair


def problems(loaded: LoadedPairs) -> dict[str, tuple[int, ...]]:
    return {problem.code: problem.rows for problem in loaded.report.problems}


def test_conversations_are_flattened_and_their_messages_kept(tmp_path: Path) -> None:
    explicit = pair(1, prompt=[USER], chosen=[NINE], rejected=[BOATS])
    implicit = pair(2, prompt=..., chosen=[USER, NINE], rejected=[USER, BOATS])

    loaded = load_pairs(json_file(tmp_path, explicit, implicit, pair(3)))

    assert loaded.report.num_usable == 3
    assert loaded.table.prompts == [USER["content"], USER["content"], "prompt 3"]
    assert loaded.table.chosen == ["At nine.", "At nine.", "chosen 3"]
    conversation = Conversation((USER,), (NINE,), (BOATS,))
    assert loaded.table.conversations == [conversation, conversation, None]
    assert extra_rows(loaded.table.extras) == [{}, {}, {}]


def test_a_file_of_implicit_prompts_needs_no_prompt_field(tmp_path: Path) -> None:
    row = {"chosen": [USER, NINE], "rejected": [USER, BOATS]}

    assert load_pairs(json_file(tmp_path, row)).table.prompts == [USER["content"]]


def test_both_forms_of_a_prompt_have_one_fingerprint(tmp_path: Path) -> None:
    explicit = pair(prompt=[SYSTEM, USER], chosen=[NINE], rejected=[BOATS])
    implicit = pair(prompt=..., chosen=[SYSTEM, USER, NINE], rejected=[SYSTEM, USER, BOATS])

    first, second = (load_pairs(json_file(tmp_path, row)).table for row in (explicit, implicit))

    assert first.conversations == second.conversations
    assert first.fingerprint == second.fingerprint


def test_pairs_of_the_same_texts_but_other_messages_have_another_fingerprint(
    tmp_path: Path,
) -> None:
    texts = pair(prompt="Be brief.", chosen="At nine.", rejected="Ferries are boats.")
    rows = [
        texts,
        texts | {"prompt": [SYSTEM]},
        texts | {"prompt": [SYSTEM | {"role": "user"}]},
        texts | {"prompt": [SYSTEM], "tools": TOOLS},
        texts | {"prompt": [SYSTEM], "chosen": [NINE | {"name": "Ida"}]},
    ]

    tables = [load_pairs(json_file(tmp_path, row)).table for row in rows]

    assert {tuple(table.chosen) for table in tables} == {("At nine.",)}
    assert len({table.fingerprint for table in tables}) == len(rows)


def test_the_fingerprint_of_plain_pairs_is_that_of_earlier_versions(tmp_path: Path) -> None:
    table = load_pairs(json_file(tmp_path, *conversational_rows())).table

    digest = hashlib.sha256()
    for text in ("prompt 8", "chosen 8", "rejected 8"):
        digest.update(len(text).to_bytes(8, "little") + text.encode())
    for scores in (GOOD, BAD):
        digest.update(np.array([scores[maxim] for maxim in MAXIMS]).tobytes())
    assert table.take([7]).fingerprint == digest.hexdigest()


def test_taken_pairs_keep_their_conversations(tmp_path: Path) -> None:
    table = load_pairs(json_file(tmp_path, *conversational_rows())).table

    taken = table.take([7, 5, 0])

    assert taken.conversations == [table.conversations[i] for i in (7, 5, 0)]
    assert taken.take([0]).messages is None


def test_conversations_of_several_batches_are_joined() -> None:
    rows = [pair(1), pair(2, prompt=[USER], chosen=[NINE], rejected=[BOATS]), pair(3)]
    parts, columns = zip(
        *(take_apart(batch_of_objects("f", [row]), n) for n, row in enumerate(rows)), strict=True
    )

    conversations = join_parts(parts, columns).conversations

    assert conversations == [None, Conversation((USER,), (NINE,), (BOATS,)), None]
    assert join_parts(parts[:1], columns[:1]).messages is None


def test_rows_that_can_not_be_used_take_their_messages_with_them(tmp_path: Path) -> None:
    good = pair(2, prompt=[USER], chosen=[NINE], rejected=[BOATS])

    loaded = load_pairs(json_file(tmp_path, good | {"chosen": [NINE | {"content": " "}]}, good))

    assert problems(loaded) == {"empty_chosen": (1,)}
    assert loaded.table.conversations == [Conversation((USER,), (NINE,), (BOATS,))]


def test_an_image_in_a_message_is_refused_by_name(tmp_path: Path) -> None:
    picture = {"role": "user", "content": [{"type": "text", "text": "Look."}, {"type": "image"}]}
    rows = [
        pair(1, prompt=[picture], chosen=[NINE], rejected=[BOATS]),
        pair(2, prompt=..., chosen=[picture, NINE], rejected=[picture, BOATS]),
        pair(3, prompt=[picture], chosen=[USER, NINE], rejected=[USER, BOATS]),
        pair(4, prompt=[USER], chosen=[{**picture, "role": "assistant"}], rejected=[BOATS]),
        pair(5, prompt=[USER], chosen=[NINE], rejected=[BOATS]),
    ]

    loaded = load_pairs(json_file(tmp_path, *rows))

    assert problems(loaded) == {"empty_prompt": (2,), "image_parts": (1, 2, 3, 4)}
    assert "image parts are not supported" in loaded.report.problems[-1].message
    with pytest.raises(DataError, match="row 1 has a prompt with image parts, which are not"):
        load_prompts(json_file(tmp_path, *rows))


def test_responses_of_different_length_are_warned_about(tmp_path: Path) -> None:
    loaded = load_pairs(json_file(tmp_path, *conversational_rows()))

    assert problems(loaded) == {"unequal_turns": (4,)}
    assert loaded.table.chosen[3] == "[assistant]: Pier two."


def test_nulls_that_a_column_needs_are_no_part_of_a_conversation(tmp_path: Path) -> None:
    call = {"function": {"name": "weather", "arguments": {"town": "Ulm"}}}
    other = {"role": "assistant", "content": None, "tool_calls": [call]}
    rows = [
        pair(1, prompt=[USER], chosen=[ASKED], rejected=[BOATS], tools=TOOLS),
        pair(2, prompt=[USER, ASKED, FOUND], chosen=[other], rejected=[BOATS]),
    ]
    path = tmp_path / "pairs.parquet"
    parquet.write_table(pa.Table.from_pylist(rows), path)

    table = load_pairs(path).table

    assert table.conversations == load_pairs(json_file(tmp_path, *rows)).table.conversations


def test_prompts_keep_their_messages_and_tools(tmp_path: Path) -> None:
    rows = [
        {"prompt": [SYSTEM, USER], "tools": TOOLS},
        {"chosen": [USER, ASKED, FOUND, NINE], "rejected": [USER, ASKED, FOUND, BOATS]},
        {"prompt": "plain"},
        {"prompt": "text", "chosen": [NINE], "rejected": 7},
    ]

    prompts = load_prompts(json_file(tmp_path, *rows))

    assert prompts.prompts[0] == "[system]: Be brief.\n[user]: When does the ferry leave?"
    assert prompts.messages == [
        (SYSTEM, USER),
        (USER, ASKED, FOUND),
        None,
        ({"role": "user", "content": "text"},),
    ]
    assert prompts.tools == [tuple(TOOLS), (), (), ()]
