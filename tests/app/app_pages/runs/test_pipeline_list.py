"""The table of all pipelines: what it says, what is found in it, what pipelines are called."""

from dataclasses import replace

import pandas as pd

from app.app_pages.runs.pipeline_list import matching, pipeline_frame
from app.app_pages.runs.pipeline_names import names_apart
from grice_core.store.pipeline_table import PipelineRow
from grice_core.store.states import RunState

DONE, RUNS, WAITS = RunState.SUCCEEDED, RunState.RUNNING, RunState.QUEUED
ROW = PipelineRow(
    id=1,
    name="joint on pairs.json",
    recipe="joint v1",
    data="pairs.json",
    prompts="held-out.json",
    detector="best_model_v2",
    base="models/gpt2-medium",
    seed=0,
    started_by=None,
    note=None,
    created_at=1000.0,
    states=frozenset({DONE}),
    began_at=2000.0,
    ended_at=2090.4,
    verdict="met",
    cooperative=72.5,
)


def test_a_line_says_how_it_ended_and_how_long_it_took() -> None:
    frame = pipeline_frame([ROW], {1: "joint"}, now=9999.0)
    line = frame.iloc[0].to_dict()
    assert (line["state"], line["verdict"], line["cooperative"]) == ("done", "met", 72.5)
    assert line["duration"] == pd.Timedelta(seconds=90)
    assert not {"tags", "note", "started by"} & set(frame)  # none of them has any


def test_what_is_under_way_has_taken_the_time_until_now() -> None:
    running = replace(ROW, states=frozenset({DONE, RUNS, WAITS}), note="look", tags=("a", "b"))
    waiting = replace(ROW, id=2, states=frozenset({WAITS}), began_at=None, ended_at=None)
    frame = pipeline_frame([waiting, running], {1: "one", 2: "two"}, now=2300.0)
    assert frame["state"].tolist() == ["waiting", "running"]
    assert pd.isna(frame["duration"][0])
    assert frame["duration"][1] == pd.Timedelta(minutes=5)
    assert frame["tags"][1] == ["a", "b"]


def test_every_word_of_the_search_stands_somewhere_and_filters_narrow_it_down() -> None:
    rows = [
        replace(ROW, id=1, note="looks odd", tags=("paper",)),
        replace(ROW, id=2, base="llama", tags=("paper", "best")),
        replace(ROW, id=3, states=frozenset({DONE, RunState.FAILED})),
    ]
    names = {row.id: row.name for row in rows}

    def found(
        words: str = "", states: tuple[str, ...] = (), tags: tuple[str, ...] = ()
    ) -> list[int]:
        return [row.id for row in matching(rows, names, words, states, tags)]

    assert found() == [1, 2, 3]
    assert found("GPT2 odd") == [1]
    assert found("best llama") == [2]
    assert found("nothing") == []
    assert found(states=("failed",)) == [3]
    assert found(tags=("paper",)) == [1, 2]
    assert found(tags=("paper", "best")) == [2]


def test_names_say_what_differs_and_only_that() -> None:
    rows = [
        ROW,
        replace(ROW, id=2, seed=1),
        replace(ROW, id=3, seed=1, base="llama"),
        replace(ROW, id=4, seed=1, base="llama"),
        replace(ROW, id=5, name="mine"),
    ]
    assert names_apart(rows) == {
        1: "joint on pairs.json · seed 0 · gpt2-medium",
        2: "joint on pairs.json · seed 1 · gpt2-medium",
        3: "joint on pairs.json · seed 1 · llama · no. 3",
        4: "joint on pairs.json · seed 1 · llama · no. 4",
        5: "mine",
    }


def test_names_of_thousands_are_told_apart_in_a_moment() -> None:
    rows = [replace(ROW, id=number, seed=number % 50) for number in range(5000)]
    assert len(set(names_apart(rows).values())) == 5000
