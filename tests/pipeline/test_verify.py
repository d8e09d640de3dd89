"""An honest folder passes; an edited one is caught, also where its receipt was written anew."""

import json
import random
import shutil
from random import Random

import pytest
from typer.testing import CliRunner

from grice_core.cli import app
from grice_core.dpo.adapters import load_adapter, save_adapter
from grice_core.errors import InputError
from grice_core.evaluation import batching
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.receipt import write_receipt
from grice_core.pipeline.reopening import Places
from grice_core.verify.answers import check_answers
from grice_core.verify.claims import Claims
from grice_core.verify.files import check_files, check_inputs
from grice_core.verify.numbers import check_history, check_published, check_rates
from grice_core.verify.run import verify
from grice_core.verify.steps import check_steps

STAGES = ("stage1", "stage2")


@pytest.fixture
def copy(finished, tmp_path):
    """A folder to be edited."""
    folder = tmp_path / "out"
    shutil.copytree(finished.output.path, folder)
    return folder


def claims(folder, places=None, seed=0):
    return Claims(folder, places or Places(), "cpu", Random(seed))


def edit_json(path, change):
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document, indent=2) + "\n")


def edit_line(path, number, change):
    lines = path.read_text().splitlines()
    line = json.loads(lines[number])
    change(line)
    lines[number] = json.dumps(line, ensure_ascii=False)
    path.write_text("".join(f"{each}\n" for each in lines))


def edit_rate(folder, draw):
    """One rate of one model, in one of the two files."""
    if draw.random() < 0.5:
        model = draw.choice(("baseline", "stage1", "stage2_final"))
        maxim = draw.choice(("quantity", "relation", "manner"))

        def change(document):
            document[model][maxim] += 1.0

        edit_json(folder / "multistage_results.json", change)
    else:
        number = draw.randrange(3)

        def change(document):
            document["models"][number]["rates"]["cooperative"]["count"] += 1

        edit_json(folder / "evaluation.json", change)


def edit_answer(folder, draw):
    def change(line):
        line["response"] += " indeed"

    lines = (folder / "generations.jsonl").read_text().splitlines()
    edit_line(folder / "generations.jsonl", draw.randrange(len(lines)), change)


def edit_loss(folder, draw):
    path = folder / draw.choice(STAGES) / "history.jsonl"

    def change(line):
        line["loss"] *= 0.99

    edit_line(path, draw.randrange(len(path.read_text().splitlines())), change)


def edit_adapter(folder, draw):
    """One number of one matrix of what a stage published."""
    path = folder / "stage2" / "final_model"
    adapter = load_adapter(path)
    tensor = adapter.tensors[draw.choice(sorted(adapter.tensors))].view(-1)
    tensor[draw.randrange(len(tensor))] += 0.01
    save_adapter(adapter, path)


EDITS = {
    edit_rate: check_rates,
    edit_answer: None,
    edit_loss: check_history,
    edit_adapter: check_published,
}
"""And which numbers of the folder contradict the edit, whatever the receipt says."""


def test_an_honest_folder_holds(finished):
    found = verify(finished.output.path, device="cpu", draw=Random(0))
    assert [check.problems for check in found.checks] == [()] * 7
    assert "stage1 step" in found.checks[5].looked_at


def test_a_machine_with_less_memory_writes_the_same_batches_again(finished, monkeypatch):
    """In bf16 an answer depends on those that it was written with."""
    at_once = finished.output.read_run()["answers_at_once"]
    assert at_once > 1
    monkeypatch.setattr(batching, "MOST_ROWS", 1)
    for seed in range(3):
        these = claims(finished.output.path, seed=seed)
        assert these.batch_size == at_once
        assert check_answers(these).problems == ()


@pytest.mark.parametrize("edit", EDITS)
def test_every_edit_is_caught_by_its_hash(edit, finished, tmp_path):
    for number in range(10):
        folder = tmp_path / str(number)
        shutil.copytree(finished.output.path, folder)
        edit(folder, random.Random(number))
        (problem,) = check_files(claims(folder)).problems
        assert problem.endswith("was changed")


@pytest.mark.parametrize("edit", [edit for edit, check in EDITS.items() if check])
def test_with_a_new_receipt_an_edit_contradicts_other_numbers(edit, finished, tmp_path):
    for number in range(10):
        folder = tmp_path / str(number)
        shutil.copytree(finished.output.path, folder)
        edit(folder, random.Random(number))
        write_receipt(OutputFolder(folder), STAGES)
        assert not check_files(claims(folder)).problems
        assert EDITS[edit](claims(folder)).problems


def test_with_a_new_receipt_an_answer_is_caught_when_its_batch_is_written_again(copy):
    edit_answer(copy, random.Random(1))
    write_receipt(OutputFolder(copy), STAGES)
    found = [check_answers(claims(copy, seed=seed)).problems for seed in range(6)]
    assert any(found)  # one batch of three models is drawn
    assert all("is not what it writes" in problems[0] for problems in found if problems)


def test_with_a_new_receipt_a_step_whose_parts_were_changed_too_is_caught_when_taken_again(copy):
    folder = OutputFolder(copy).stage("stage1")
    (anchor,) = folder.anchor.iterdir()
    step = int(anchor.name.removeprefix("step-"))

    def change(line):
        for name in [name for name in line if name == "loss" or name.startswith("loss/")]:
            line[name] *= 0.8

    edit_line(folder.history, step, change)
    write_receipt(OutputFolder(copy), STAGES)
    assert not check_history(claims(copy)).problems
    (first, *_) = check_steps(claims(copy)).problems
    assert first.startswith(f"stage1: step {step + 1}: loss is")


def test_swapped_adapters_are_caught_though_they_fit_each_other(copy):
    first, second = (copy / stage / "final_model" for stage in STAGES)
    shutil.rmtree(second)
    shutil.copytree(first, second)
    write_receipt(OutputFolder(copy), STAGES)
    (problem,) = check_published(claims(copy)).problems
    assert problem == "stage2/final_model is not stage2's own adapter on top of the stage before"


def test_edited_pairs_are_caught(finished, world, tmp_path):
    pairs = json.loads((world / "pairs.json").read_text())
    for number in range(3):
        edited = [dict(pair) for pair in pairs]
        edited[number * 7]["chosen"] += " indeed"
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(edited))
        (problem,) = check_inputs(claims(finished.output.path, Places(data=path))).problems
        assert problem.startswith("the data is not what run.json says")


def test_an_edited_recipe_is_caught_by_what_follows_from_it(copy):
    def change(document):
        document["recipe"]["stages"][0]["learning_rate"] *= 2

    edit_json(copy / "run.json", change)
    write_receipt(OutputFolder(copy), STAGES)
    problems = check_history(claims(copy)).problems
    assert any("learning_rate is" in problem for problem in problems)


def test_an_earlier_versions_rates_hold_though_it_counted_less(copy):
    def change(document):
        for model in document["models"]:
            del model["num_cut"], model["num_empty"]

    edit_json(copy / "evaluation.json", change)
    assert check_rates(claims(copy)).problems == ()


def test_a_folder_without_a_receipt_is_not_called_honest(copy):
    (copy / "receipt.json").unlink()
    (problem,) = check_files(claims(copy)).problems
    assert problem.startswith("receipt.json is missing")


def test_the_command_names_what_does_not_hold_and_ends_with_1(copy):
    edit_loss(copy, random.Random(0))
    result = CliRunner().invoke(app, ["verify", str(copy), "--device", "cpu"])
    assert result.exit_code == 1
    assert "history.jsonl was changed" in result.output
    assert "Not everything holds" in result.output


def test_an_unfinished_pipeline_makes_no_claims(copy):
    edit_json(copy / "run.json", lambda document: document.update(state="running"))
    with pytest.raises(InputError, match="is not finished"):
        verify(copy, device="cpu")
