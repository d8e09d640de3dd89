"""`grice check` says what a file holds, what is wrong with it, and what to do next."""

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
from typer.testing import CliRunner, Result

from grice_core.cli import app
from grice_core.errors import DataError, InputError
from tests.chat import made
from tests.data.files import json_file, pair


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["check", *map(str, arguments)], catch_exceptions=True)


def report(*arguments: str | Path) -> dict[str, Any]:
    result = check(*arguments, "--json")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_json_is_one_document_with_the_promised_keys(tmp_path: Path) -> None:
    document = report(json_file(tmp_path, pair(1), pair(2, chosen="")))

    counts = ["num_rows", "num_usable", "num_scored"]
    assert list(document) == [*counts, "problems", "read_as", "first_pair"]
    assert document["first_pair"]["rejected"] == "rejected 1"
    (problem,) = document["problems"]
    assert list(problem) == ["code", "severity", "count", "rows", "message", "fix"]
    assert problem["rows"] == [2]


def test_a_person_sees_counts_problems_and_the_next_step(tmp_path: Path) -> None:
    path = json_file(tmp_path, pair(1), pair(2, chosen=""), pair(3))

    result = check(path)

    assert result.exit_code == 0
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert "usable  2  1 with errors" in lines
    assert "1 row  error  empty_chosen: chosen is missing or empty" in lines
    assert "→ fill in the text, or remove the rows" in lines
    assert lines[-1] == f"grice stages {path}"


def test_the_layout_and_the_first_pair_are_shown(tmp_path: Path) -> None:
    row = {"instruction": "When?", "input": "", "chosen": "At nine.", "rejected": "Boats float."}

    lines = [line.strip() for line in check(json_file(tmp_path, row)).stdout.splitlines()]

    assert "Read as: LLaMA-Factory, Alpaca with chosen and rejected" in lines
    assert "prompt    When?" in lines


def test_a_file_that_fits_two_layouts_is_read_as_it_is_told(tmp_path: Path) -> None:
    responses = {"response_0": "At nine.", "response_1": "Boats float."}
    row = {"prompt": "When?", **responses, "better_response_id": 0, "safer_response_id": 1}
    path = json_file(tmp_path, row)

    unclear = check(path)
    told = check(path, "--layout", "pku-safer")

    assert "--layout pku-better or --layout pku-safer" in str(unclear.exception)
    assert (
        told.stdout.strip()
        .splitlines()[-1]
        .strip()
        .startswith(f"grice score {path} --layout pku-safer")
    )


def test_a_mapping_is_said_in_words_and_goes_into_the_next_command(tmp_path: Path) -> None:
    row = {"ask": "When?", "output": ["At nine.", "Boats float."]}
    mapping = "prompt=ask,chosen=output.0,rejected=output.1"

    document = report(json_file(tmp_path, row), "--map", mapping)

    assert document["first_pair"] == {
        "prompt": "When?",
        "chosen": "At nine.",
        "rejected": "Boats float.",
    }
    assert "prompt from ask; chosen from output.0" in document["read_as"]


@pytest.mark.parametrize(
    ("row", "options"),
    [
        ({"input": "When?", "target": "At nine."}, []),
        ({"ask": "When?"}, ["--map", "prompt=ask"]),
        ({"input": "When?", "target": "At nine."}, ["--layout", "inspect"]),
    ],
)
def test_prompts_alone_are_reported_as_such(
    row: dict[str, str], options: list[str], tmp_path: Path
) -> None:
    result = check(json_file(tmp_path, row), *options)

    assert result.exit_code == 0
    assert "1 prompt to evaluate on (--eval), no pairs to train on" in result.stdout


def test_unscored_pairs_are_to_be_scored_next(tmp_path: Path) -> None:
    path = json_file(tmp_path, pair(1, chosen_scores=None, rejected_scores=None))

    result = check(path)

    assert "No problems found." in result.stdout
    assert f"grice score {path} --detector DIR" in result.stdout


def test_leakage_says_which_file_its_rows_are_of(tmp_path: Path) -> None:
    training = json_file(tmp_path, pair(1), pair(1, chosen="x"), pair(2), name="train.json")
    prompts = [{"prompt": text} for text in ("new", "prompt  1", "prompt 2")]
    evaluation = json_file(tmp_path, *prompts, name="eval.json")

    (problem,) = report(training, "--eval", evaluation)["problems"]

    assert (problem["code"], problem["severity"]) == ("prompt_in_evaluation", "warning")
    assert (problem["count"], problem["rows"]) == (2, [2, 3])
    assert problem["message"].startswith(
        "2 of the 3 rows of eval.json have a prompt that also stands in train.json, in 3 of its"
    )


def test_no_shared_prompt_is_no_problem(tmp_path: Path) -> None:
    training = json_file(tmp_path, pair(1), name="train.json")
    evaluation = json_file(tmp_path, {"prompt": "new"}, name="eval.json")

    assert report(training, "--eval", evaluation)["problems"] == []


def test_nearly_the_same_prompts_are_told_with_an_example(tmp_path: Path) -> None:
    words = [f"word{number}" for number in range(40)]
    training = json_file(tmp_path, pair(1), pair(2, prompt=" ".join(words)), name="train.json")
    near = " ".join([*words[:20], "other", *words[21:]])
    evaluation = json_file(tmp_path, {"prompt": "new"}, {"prompt": near}, name="eval.json")

    (problem,) = report(training, "--eval", evaluation)["problems"]

    assert (problem["code"], problem["rows"]) == ("prompt_nearly_in_evaluation", [2])
    assert problem["message"].endswith("the most similar, 0.85: row 2 and row 2 of train.json")
    assert report(training, "--eval", evaluation, "--similarity", "0.9")["problems"] == []


@pytest.fixture
def word_tokenizer(tmp_path: Path) -> Path:
    """A tokenizer folder; every word is one token."""
    words = Tokenizer(models.WordLevel({"<unk>": 0, "</s>": 1}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    folder = tmp_path / "tokenizer"
    PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="<unk>", eos_token="</s>"
    ).save_pretrained(folder)
    return folder


def test_pairs_too_long_for_the_model_are_found(tmp_path: Path, word_tokenizer: Path) -> None:
    fits = pair(1, prompt="one two three", chosen="one two three four")  # with the end: 8
    cut = pair(2, prompt="one two three four", chosen="one two three four")
    barely = pair(3, rejected="one two three four five six")  # one prompt token is left
    too_long = pair(4, rejected="one two three four five six seven")
    path = json_file(tmp_path, fits, cut, barely, too_long)

    problems = report(path, "--tokenizer", word_tokenizer, "--max-length", "8")["problems"]

    assert {problem["code"]: problem["rows"] for problem in problems} == {
        "too_long": [4],
        "prompt_cut": [2, 3],
    }


def test_a_file_without_usable_rows_exits_with_2_and_says_why(tmp_path: Path) -> None:
    path = json_file(tmp_path, pair(1, chosen_scores={"quantity": 5}), pair(2, chosen=""))

    result = check(path, "--json")

    assert isinstance(result.exception, DataError)
    assert result.exception.exit_code == 2
    assert str(result.exception).startswith("pairs.json has no usable row: in 1 of 2 rows ")
    assert json.loads(result.stdout)["num_usable"] == 0


def test_a_file_that_is_not_what_it_says_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pairs.json"
    path.write_bytes(b"[{")

    result = check(path, "--json")

    assert isinstance(result.exception, DataError)
    assert result.stdout == ""


def test_a_tokenizer_that_is_not_there_is_refused(tmp_path: Path) -> None:
    result = check(json_file(tmp_path, pair(1)), "--tokenizer", tmp_path / "none")

    assert isinstance(result.exception, InputError)


def test_a_length_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    result = check(json_file(tmp_path, pair(1)), "--max-length", "100")

    assert result.exit_code == 2
    assert "needs --tokenizer" in result.stderr


def test_a_name_that_does_not_fit_is_remarked_upon_on_stderr(tmp_path: Path) -> None:
    path = json_file(tmp_path, pair(1), name="pairs.jsonl")

    result = check(path, "--json")

    assert "! pairs.jsonl holds JSON, not JSON Lines; read as what it is" in result.stderr
    assert json.loads(result.stdout)["num_rows"] == 1


@pytest.fixture
def chat_tokenizer(tmp_path: Path) -> Path:
    """A tokenizer folder with a template that refuses system turns."""
    made.tokenizer(made.GEMMA).save_pretrained(tmp_path / "chat")
    return tmp_path / "chat"


def test_a_person_sees_one_pair_as_the_model_will_see_it(
    tmp_path: Path, chat_tokenizer: Path
) -> None:
    path = json_file(tmp_path, pair(1, prompt="Is [bold]it[/bold]?\nOr\x1b[31m?", chosen="Yes"))

    shown = check(path, "--tokenizer", chat_tokenizer).stdout

    assert "Row 1 as the model will see it · prompt_format chat" in shown
    assert "⟨<s>⟩⟨<turn>⟩user↵" in shown
    assert "Is [bold]it[/bold]?↵" in shown
    assert "Or␛[31m?⟨</turn>⟩↵" in shown
    assert "chosen, trained on" in shown
    assert "Yes⟨</turn>⟩↵" in shown
    plain = check(path, "--tokenizer", chat_tokenizer, "--prompt-format", "plain").stdout
    assert "prompt_format plain" in plain
    assert "Yes⟨</s>⟩" in plain
    document = report(path, "--tokenizer", chat_tokenizer)
    assert document["shown_pair"]["chosen"][0] == {"text": "Yes", "is_special": False}


def test_rows_that_the_template_refuses_are_found_with_the_reason(
    tmp_path: Path, chat_tokenizer: Path
) -> None:
    system = [{"role": "system", "content": "Hm."}, {"role": "user", "content": "Hi?"}]
    twice = [{"role": "user", "content": "Hm."}, {"role": "user", "content": "Hi?"}]
    answers = {side: [{"role": "assistant", "content": side}] for side in ("chosen", "rejected")}
    rows = [pair(n, prompt=prompt, **answers) for n, prompt in enumerate([system, twice, system])]
    path = json_file(tmp_path, *rows, pair(4))

    document = report(path, "--tokenizer", chat_tokenizer)

    refused = [found for found in document["problems"] if found["code"] == "refused_by_template"]
    assert [found["rows"] for found in refused] == [[1, 3], [2]]
    assert "System role not supported" in refused[0]["message"]
    assert "Roles must alternate" in refused[1]["message"]
    assert document["shown_pair"]["row"] == 4


def test_a_format_without_a_tokenizer_or_a_template_is_refused(
    tmp_path: Path, word_tokenizer: Path
) -> None:
    path = json_file(tmp_path, pair(1))
    assert "needs --tokenizer" in check(path, "--prompt-format", "plain").stderr
    refused = check(path, "--tokenizer", word_tokenizer, "--prompt-format", "chat")
    assert "has no chat template" in str(refused.exception)
