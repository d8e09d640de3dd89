"""A pipeline whose answers are judged by a language model behind an address."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from grice_core.detector.folder import Destination
from grice_core.detector.llm.connect import ChatSettings, write_chat_detector
from grice_core.detector.rubric import default_rubric
from grice_core.errors import DetectorError
from grice_core.pipeline.estimate import estimate_pipeline
from grice_core.pipeline.run import run_pipeline
from grice_core.progress import Reporter
from grice_core.settings import Settings
from tests.detector.judge_server import first, judge_server, reply, with_logprobs
from tests.pipeline.world import config, own


def test_as_second_judge_it_is_asked_about_every_answer_and_stands_beside_the_first(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Settings(home=tmp_path / "home")
    monkeypatch.setattr("grice_core.detector.llm.detector.settings", lambda: home)
    out, judge = tmp_path / "out", str(tmp_path / "judge")
    asked = config(world, out, second_judge=judge)
    with judge_server() as server:
        written = ChatSettings(server.address, "small", default_rubric(), more={"concurrency": 1})
        write_chat_detector(written, Destination(tmp_path / "judge"))
        # It refuses to answer when the first judge has judged all …
        server.answer = lambda _: (401, {}, b"")
        with pytest.raises(DetectorError, match="HTTP 401"):
            run_pipeline(asked)
        assert '"scores"' in (out / "answers.journal").read_text()
        # … and is resumed.
        server.answer = with_logprobs
        server.asked.clear()
        result = run_pipeline(replace(asked, resume=True))
        questions = {json.dumps(body["messages"]) for body in server.asked}
    second = result.evaluation.second
    assert second is not None
    answers = {
        pair for one in second.models for pair in zip(one.prompts, one.responses, strict=True)
    }
    assert len(questions) == 4 * len(answers)
    document = json.loads((out / "evaluation.json").read_text())
    assert document["second_judge"]["origin"] == "the language model small, asked by a rubric"
    assert "by the second judge" in document["verdict"]["sentence"]
    run = json.loads((out / "run.json").read_text())
    assert run["inputs"]["second_judge"]["fingerprint"] == second.fingerprint
    card = (out / "stage2" / "final_model" / "README.md").read_text()
    assert "### By a second judge" in card
    assert second.fingerprint[:16] in card


def test_what_it_will_be_asked_is_known_before_with_the_answers_of_rounds(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As second judge: of rounds only about answers to held-out prompts. Nothing is sent."""
    home = Settings(home=tmp_path / "home")
    monkeypatch.setattr("grice_core.detector.llm.detector.settings", lambda: home)
    written = ChatSettings("http://127.0.0.1:1/v1", "small", default_rubric())
    write_chat_detector(written, Destination(tmp_path / "judge"))
    asked = config(world, tmp_path / "out", recipe=own(), second_judge=str(tmp_path / "judge"))
    found = estimate_pipeline(asked, Reporter())
    first, second = found.stages[1:]
    assert first.num_answers - first.num_heldout_answers == 10 * 3
    assert first.num_heldout_answers == 2 * second.num_heldout_answers > 0
    num_questions = 4 * (3 * second.num_heldout_answers + found.num_answers)
    (said,) = found.judging
    assert said.startswith(
        f"the judge small is asked about at most {3 * second.num_heldout_answers} answers of rounds and "
        f"{found.num_answers} answers of the evaluation, 4 questions each: {num_questions} questions"
    )


def test_the_detector_itself_is_no_second_judge(world: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(DetectorError, match="is the detector itself"):
        run_pipeline(config(world, out, second_judge=str(world / "detector")))
    assert not out.exists()


def test_the_judge_is_asked_about_every_answer_and_its_faults_are_in_the_results(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Settings(home=tmp_path / "home")
    monkeypatch.setattr("grice_core.detector.llm.detector.settings", lambda: home)
    with judge_server() as server:
        server.answer = first([reply("I won't say.")] * 3, with_logprobs)
        more = {"concurrency": 1}
        asked = ChatSettings(server.address, "small", default_rubric(), more=more)
        write_chat_detector(asked, Destination(tmp_path / "judge"))
        result = run_pipeline(config(world, tmp_path / "out", detector=str(tmp_path / "judge")))
        questions = {json.dumps(body["messages"]) for body in server.asked}
    models = result.evaluation.models
    answers = {pair for one in models for pair in zip(one.prompts, one.responses, strict=True)}
    assert len(questions) == 4 * len(answers)
    warnings = json.loads((tmp_path / "out" / "evaluation.json").read_text())["warnings"]
    assert any("no text leaves it" in warning for warning in warnings)
    assert any("1 of" in warning and "could not be read" in warning for warning in warnings)
