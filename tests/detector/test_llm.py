"""Language models as detectors, asked over HTTP from a server on loopback."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from grice_core.data.load import load_pairs
from grice_core.detector.evaluate import calibrate_detector, evaluate_detector
from grice_core.detector.folder import Destination
from grice_core.detector.labels import load_labels
from grice_core.detector.llm.connect import ChatSettings, chat_record, write_chat_detector
from grice_core.detector.llm.detector import ChatDetector, open_chat_detector
from grice_core.detector.llm.estimate import (
    estimate,
    estimate_answers,
    judging_sentence,
    texts_of_pairs,
)
from grice_core.detector.load import load_detector
from grice_core.detector.pairs import score_pairs
from grice_core.detector.rubric import default_rubric, default_rubric_text, parse_rubric
from grice_core.detector.template import JudgedText
from grice_core.errors import DetectorError, InterruptedRunError
from grice_core.maxims import MAXIMS, Maxim
from grice_core.settings import Settings
from tests.detector import lessons
from tests.detector.judge_server import (
    JudgeServer,
    first,
    judge_server,
    reply,
    slow,
    with_logprobs,
    without_logprobs,
)

SECRET = "sk-very-secret"  # noqa: S105 - of no one
TEXT = JudgedText("where do cats sleep", "they sleep dogs")  # dogs: quality is violated


@pytest.fixture
def server() -> Iterator[JudgeServer]:
    with judge_server() as running:
        yield running


def detector(server: JudgeServer, home: Path, **more: object) -> ChatDetector:
    """One that doesn't wait long."""
    settings = ChatSettings(server.address, "small", default_rubric(), more=more)
    found = open_chat_detector(chat_record(settings), Settings(home=home))
    return replace(found, client=replace(found.client, first_pause_s=0.001))


def probabilities(judge: ChatDetector, *texts: JudgedText) -> np.ndarray:
    return judge.probabilities(judge.judge(texts))


def test_probabilities_come_from_the_deciding_token(server: JudgeServer, tmp_path: Path) -> None:
    found = probabilities(detector(server, tmp_path), TEXT)
    np.testing.assert_allclose(found, [[0.1, 0.9, 0.1, 0.1]])
    assert server.paths == ["/v1/chat/completions"] * 4
    assert server.keys == [None] * 4
    body = server.asked[0]
    assert body["response_format"]["json_schema"]["schema"]["required"] == [
        "violated",
        "confidence",
    ]
    assert (body["model"], body["temperature"], body["logprobs"]) == ("small", 0, True)


@pytest.mark.parametrize(
    ("chosen", "listed", "expected"),
    [
        ("true", {"true": 0.6, "false": 0.2}, 0.75),
        ("true", {"true": 0.5, " True": 0.1, "fal": 0.2, "maybe": 0.1}, 0.75),
        # A word that isn't listed: at most as likely as the last that is, and as what is left.
        ("true", {"true": 0.9, "{": 0.05, "\n": 0.03}, 0.9 / 0.92),
        ("false", {"{": 0.5, "false": 0.3, "[": 0.1}, 0.25),
        ("true", {"true": 1.0, "{": 1e-9}, 0.999),
        ("true", {}, 0.9),
        # Neither was likely without the schema: what the model states is all there is.
        ("true", {"{": 0.5, "[": 0.4, "maybe": 0.05}, 0.7),
    ],
)
def test_a_word_is_no_surer_than_the_tokens_beside_it_leave_it(
    chosen: str,
    listed: dict[str, float],
    expected: float,
    server: JudgeServer,
    tmp_path: Path,
) -> None:
    def answer(_: dict[str, object]) -> tuple[int, dict[str, str], bytes]:
        chances = [{"token": token, "logprob": math.log(share)} for token, share in listed.items()]
        likely = math.log(listed.get(chosen, 0.9 if not listed else 0.001))
        tokens = [
            {"token": token, "logprob": 0.0} for token in ('{"violated": ', ', "confidence": 0.7}')
        ]
        word = {"token": chosen, "logprob": likely, "top_logprobs": chances}
        text = f'{{"violated": {chosen}, "confidence": 0.7}}'
        return reply(text, choice={"logprobs": {"content": [tokens[0], word, tokens[1]]}})

    server.answer = answer
    found = probabilities(detector(server, tmp_path), TEXT)
    np.testing.assert_allclose(found, [[expected] * 4])


def test_without_log_probabilities_the_stated_confidence_counts(
    server: JudgeServer, tmp_path: Path
) -> None:
    server.answer = without_logprobs
    found = probabilities(detector(server, tmp_path), TEXT)
    np.testing.assert_allclose(found, [[0.2, 0.8, 0.2, 0.2]])


def test_what_a_server_does_not_know_is_left_out(server: JudgeServer, tmp_path: Path) -> None:
    def old(body: dict[str, object]) -> tuple[int, dict[str, str], bytes]:
        for name in ("logprobs", "response_format", "seed"):
            if name in body:
                return 400, {}, f'{{"error": "unknown field {name}"}}'.encode()
        return without_logprobs(body)

    server.answer = old
    judge = detector(server, tmp_path, concurrency=1)
    np.testing.assert_allclose(probabilities(judge, TEXT), [[0.2, 0.8, 0.2, 0.2]])
    assert set(server.asked[-1]) == {"model", "messages", "temperature", "max_tokens"}
    assert len(server.asked) == 4 + 4  # four refusals: log-probabilities, both formats, the seed


def test_a_server_that_refuses_everything_is_named_with_its_reason(
    server: JudgeServer, tmp_path: Path
) -> None:
    server.answer = lambda _: (400, {}, b'{"error": "no such model"}')
    with pytest.raises(DetectorError, match=r"refuses the question: .*no such model"):
        probabilities(detector(server, tmp_path), TEXT)


@pytest.mark.parametrize(
    "fault",
    [
        (429, {"Retry-After": "0"}, b"slow down"),
        (503, {}, b"loading"),
        (200, {}, b"{broken"),
        (200, {}, b"[]"),
    ],
)
def test_passing_faults_are_tried_again(
    server: JudgeServer, tmp_path: Path, fault: tuple[int, dict[str, str], bytes]
) -> None:
    server.answer = first([fault] * 3, with_logprobs)
    found = probabilities(detector(server, tmp_path), TEXT)
    np.testing.assert_allclose(found, [[0.1, 0.9, 0.1, 0.1]])
    assert len(server.asked) == 4 + 3


def test_a_server_that_is_too_slow_is_given_up_in_words(
    server: JudgeServer, tmp_path: Path
) -> None:
    server.answer = slow(0.3)
    judge = detector(server, tmp_path, timeout_s=0.05)
    with pytest.raises(DetectorError, match=r"after 6 tries \(no answer within 0\.05 s\)"):
        probabilities(judge, TEXT)


def test_no_server_at_all_is_said_so(tmp_path: Path) -> None:
    with judge_server() as gone:
        judge = detector(gone, tmp_path)
    with pytest.raises(DetectorError, match=r"did not answer after 6 tries \(.*refused"):
        probabilities(judge, TEXT)


@pytest.mark.parametrize(
    "unreadable",
    [
        reply("I can't help with that."),
        reply(None, message={"refusal": "no"}),
        reply('{"violated": tr', choice={"finish_reason": "length"}),
        reply("", choice={"finish_reason": "content_filter"}),
        (200, {}, b'{"error": "odd"}'),
    ],
)
def test_unreadable_answers_are_asked_again_then_undecided_and_counted(
    server: JudgeServer, tmp_path: Path, unreadable: tuple[int, dict[str, str], bytes]
) -> None:
    server.answer = first([unreadable] * 3, with_logprobs)
    judge = detector(server, tmp_path, concurrency=1)
    found = probabilities(judge, TEXT)
    assert sorted(found[0].round(2)) == [0.1, 0.1, 0.5, 0.9]
    assert any("1 of 4 answers of the judge could not be read" in one for one in judge.warnings)
    # Another time it is asked again, and answered.
    np.testing.assert_allclose(probabilities(judge, TEXT), [[0.1, 0.9, 0.1, 0.1]])
    assert len(server.asked) == 3 + 3 + 1


def test_a_judge_that_can_not_be_read_at_all_is_refused(
    server: JudgeServer, tmp_path: Path
) -> None:
    server.answer = lambda _: reply("Hmm.")
    texts = [JudgedText(f"question {i}", "yes") for i in range(20)]
    with pytest.raises(DetectorError, match=r"can't be read .*use a larger model"):
        probabilities(detector(server, tmp_path), *texts)


def test_no_question_is_asked_twice(server: JudgeServer, tmp_path: Path) -> None:
    once = probabilities(detector(server, tmp_path), TEXT, TEXT)
    assert len(server.asked) == 4
    again = probabilities(detector(server, tmp_path), TEXT)  # another process, say
    assert len(server.asked) == 4
    np.testing.assert_array_equal(once[0], again[0])
    # Another model or rubric is asked anew.
    harsh = default_rubric().model_copy(update={"system": "Be harsh. Answer in JSON."})
    other = open_chat_detector(
        chat_record(ChatSettings(server.address, "small", harsh)), Settings(home=tmp_path)
    )
    probabilities(other, TEXT)
    assert len(server.asked) == 8


def test_an_interrupted_scoring_continues_where_it_was(server: JudgeServer, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.json"
    lessons.write_pairs(pairs, 6)
    rows = [
        {k: row[k] for k in ("prompt", "chosen", "rejected")}
        for row in json.loads(pairs.read_text())
    ]
    pairs.write_text(json.dumps(rows))
    table = load_pairs(pairs).table
    judge = detector(server, tmp_path, concurrency=1)

    def stop(_task: str, done: int, _total: int) -> None:
        if done >= 4:
            raise InterruptedRunError("stopped")

    with pytest.raises(InterruptedRunError):
        score_pairs(judge, table, tmp_path / "journal", progress=stop)
    asked = len(server.asked)
    assert 16 <= asked < 48
    scored = score_pairs(judge, table, tmp_path / "journal")
    assert len(server.asked) <= 48 + 1  # one may have been on its way
    assert scored.num_scored == 6
    for row in range(6):
        violated = [m for m in MAXIMS if scored.table.rejected_scores[row, m.column] > 0.5]
        assert violated == [MAXIMS[row % 4]]
    assert (scored.table.chosen_scores < 0.5).all()


def test_the_key_goes_to_its_own_address_only_and_into_no_message(
    server: JudgeServer, tmp_path: Path
) -> None:
    record = chat_record(ChatSettings(server.address, "small", default_rubric()))
    meant = Settings(home=tmp_path, judge_url=f"{server.address}/", judge_api_key=SECRET)
    judge = open_chat_detector(record, meant)
    probabilities(judge, TEXT)
    assert set(server.keys) == {f"Bearer {SECRET}"}
    assert SECRET not in repr(judge)
    assert SECRET not in record.model_dump_json()

    server.answer = lambda _: (401, {}, f"bad key {SECRET}".encode())
    with pytest.raises(DetectorError, match="set GRICE_JUDGE_API_KEY") as refused:
        probabilities(judge, JudgedText("another", "text"))
    assert SECRET not in str(refused.value)

    server.keys.clear()
    elsewhere = meant.model_copy(update={"judge_url": "https://judge.example/v1"})
    with pytest.raises(DetectorError):
        probabilities(open_chat_detector(record, elsewhere), JudgedText("a third", "text"))
    assert set(server.keys) == {None}


def test_a_redirect_is_not_followed(server: JudgeServer, tmp_path: Path) -> None:
    server.answer = lambda _: (302, {"Location": "http://127.0.0.1:1/v1"}, b"")
    with pytest.raises(DetectorError, match="answers HTTP 302"):
        probabilities(detector(server, tmp_path), TEXT)


def test_time_tokens_and_cost_are_known_before(server: JudgeServer, tmp_path: Path) -> None:
    judge = detector(server, tmp_path, price_in=2.0, price_out=10.0)
    texts = [JudgedText(f"question {i}", "yes") for i in range(3)]
    before = estimate(judge, texts)
    assert (before.num_requests, before.num_known, before.seconds) == (12, 0, None)
    assert before.cost == pytest.approx((2 * before.tokens_in + 10 * before.tokens_out) / 1e6)
    assert "time not known yet" in before.sentence()
    assert server.asked == []
    probabilities(judge, texts[0])
    after = estimate(judge, texts)
    assert (after.num_requests, after.num_known) == (8, 4)
    assert after.seconds is not None
    assert after.tokens_out == 8 * 14  # what the server counted
    assert before.scaled(10).num_requests == 120
    assert "nothing is asked" in estimate(judge, texts[:1]).sentence()


def test_answers_that_are_yet_to_be_written_cost_four_questions_each(
    server: JudgeServer, tmp_path: Path
) -> None:
    judge = detector(server, tmp_path, price_in=2.0, price_out=10.0)
    like = [JudgedText(f"question {i}", "yes") for i in range(3)]
    probabilities(judge, like[0])  # what was answered before says nothing about new answers
    found = estimate_answers(judge, like, 600)
    assert (found.num_requests, found.num_known) == (2400, 0)
    assert found.tokens_out == 2400 * 14
    assert found.tokens_in == pytest.approx(200 * estimate(judge, like[1:]).tokens_in * 3 / 2, 0.01)
    said = judging_sentence(judge, like, num_of_rounds=400, num_evaluated=200)
    assert said.startswith(
        f"the judge {judge.architecture.model} is asked about at most 400 answers of rounds and 200 answers "
        "of the evaluation, 4 questions each: 2,400 questions, about"
    )
    assert "rounds" not in judging_sentence(judge, like, num_of_rounds=0, num_evaluated=200)


def test_pairs_without_scores_are_what_is_asked_about(tmp_path: Path) -> None:
    table = load_pairs(lessons.write_pairs(tmp_path / "pairs.json", 4)).table
    assert texts_of_pairs(table) == []
    bare = replace(table, chosen_scores=np.full_like(table.chosen_scores, np.nan))
    assert len(texts_of_pairs(bare)) == 8


def test_it_is_a_detector_like_any_other(
    server: JudgeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "grice_core.detector.llm.detector.settings", lambda: Settings(home=tmp_path / "home")
    )
    settings = ChatSettings(server.address, "org/small", default_rubric())
    write_chat_detector(settings, Destination(tmp_path / "judge"))
    judge = load_detector(tmp_path / "judge", torch.device("cpu"))
    labelled = load_labels(lessons.write_labels(tmp_path / "labels.json", 20))
    evaluation = evaluate_detector(judge, labelled)
    assert evaluation.metrics.macro_f1 == 1.0
    assert evaluation.note is None  # nothing of these texts can have been trained on here
    calibrated = calibrate_detector(judge, labelled).record
    assert calibrated.remarks[0] == judge.record.remarks[0]  # where texts are sent
    assert calibrated.temperatures.manner < 1  # it is always right, and says so with 0.9 only
    card = (tmp_path / "judge" / "README.md").read_text()
    assert "org/small" in card
    assert "asks a server on this machine" in card


def test_the_rubric_is_filled_in_once() -> None:
    tricky = JudgedText("what is {response}?", "it is {context}", "{rule}")
    _, asked = default_rubric().messages(Maxim.MANNER, tricky)
    assert "what is {response}?" in asked["content"]
    assert "it is {context}" in asked["content"]
    assert "Rule: Manner." in asked["content"]
    assert "(none)" in default_rubric().messages(Maxim.MANNER, TEXT)[1]["content"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("{response}", "…"), r"mine\.yaml: text: .*must hold \{response\}"),
        (("  manner:", "  elegance:"), r"mine\.yaml: maxims\.manner: Field required"),
        (("system: |-", "system: ["), r"mine\.yaml is no YAML"),
    ],
)
def test_a_rubric_that_lacks_something_is_refused(change: tuple[str, str], message: str) -> None:
    with pytest.raises(DetectorError, match=message):
        parse_rubric(default_rubric_text().replace(*change), "mine.yaml")


@pytest.mark.parametrize(
    "address",
    ["localhost:8000", "ftp://host/v1", "https://me:sk-1@host/v1", "https://host/v1?key=1"],
)
def test_an_address_that_is_none_or_holds_a_key_is_refused_without_repeating_it(
    address: str,
) -> None:
    with pytest.raises(DetectorError, match="address: must") as refused:
        chat_record(ChatSettings(address, "small", default_rubric()))
    assert "sk-1" not in str(refused.value)


def test_what_leaves_the_machine_is_said() -> None:
    def remark(address: str) -> str:
        return chat_record(ChatSettings(address, "small", default_rubric())).remarks[0]

    assert "no text leaves it" in remark("http://localhost:8000/v1")
    assert "no text leaves it" in remark("http://[::1]:8000/v1")
    assert "leave this machine" in remark("https://judge.example/v1")
    assert "judge.example" in remark("https://judge.example/v1")


def test_the_address_decides_no_score() -> None:
    one, other = (
        chat_record(ChatSettings(f"http://127.0.0.1:{port}/v1", "small", default_rubric()))
        for port in (1, 2)
    )
    assert one.fingerprint == other.fingerprint
