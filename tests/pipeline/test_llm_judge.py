"""A pipeline whose answers are judged by a language model behind an address."""

import json
from pathlib import Path

import pytest

from grice_core.detector.folder import Destination
from grice_core.detector.llm.connect import ChatSettings, write_chat_detector
from grice_core.detector.rubric import default_rubric
from grice_core.pipeline.run import run_pipeline
from grice_core.settings import Settings
from tests.detector.judge_server import first, judge_server, reply, with_logprobs
from tests.pipeline.world import config


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
