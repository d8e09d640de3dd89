"""A whole pipeline on a base with a chat template."""

import json
import shutil
from dataclasses import replace
from datetime import datetime

import pytest
import torch

from grice_core.chat.choice import FormatChoice
from grice_core.detector.load import load_detector
from grice_core.dpo.base import load_base
from grice_core.dpo.encode import encode_prompts
from grice_core.errors import DataError, InterruptedRunError, ModelError, OutputError
from grice_core.evaluation.generation import generate
from grice_core.evaluation.sampling import Sampling
from grice_core.pipeline.estimate import estimate_pipeline
from grice_core.pipeline.evaluation_job import digests_of, work_key
from grice_core.pipeline.output import OutputFolder, keep_stages_only
from grice_core.pipeline.parts import PipelineParts
from grice_core.pipeline.run import run_pipeline
from grice_core.pipeline.side_by_side import SideBySide
from grice_core.progress import Reporter
from grice_core.recipes.load import load_recipe
from tests.chat import made
from tests.pipeline.world import QUICK, config, write_chat_base, write_world

CPU = torch.device("cpu")
SYSTEM = {"role": "system", "content": "be brief"}
USER = {"role": "user", "content": "where do bats sleep?"}


@pytest.fixture(scope="module")
def chat_world(tmp_path_factory):
    """Some pairs and one of the prompts are conversations; the base writes the date."""
    folder = write_world(tmp_path_factory.mktemp("chat"))
    rows = json.loads((folder / "pairs.json").read_text())
    for row in rows[::3]:
        row["prompt"] = [SYSTEM, {"role": "user", "content": row["prompt"]}]
        for side in ("chosen", "rejected"):
            row[side] = [{"role": "assistant", "content": row[side]}]
    (folder / "pairs.json").write_text(json.dumps(rows))
    prompts = json.loads((folder / "eval.json").read_text())
    prompts.append({"prompt": [SYSTEM, USER]})
    (folder / "eval.json").write_text(json.dumps(prompts))
    shutil.rmtree(folder / "base")
    write_chat_base(folder / "base", made.DATED)
    return folder


def quick(*overrides):
    return load_recipe("content-then-manner", [*QUICK, "evaluation.num_prompts=50", *overrides])


@pytest.fixture(scope="module")
def chatted(chat_world, tmp_path_factory):
    out = tmp_path_factory.mktemp("chatted") / "run"
    return run_pipeline(config(chat_world, out, recipe=quick(), precision="fp32"))


def test_the_record_says_the_format(chatted, finished):
    told = chatted.record["prompt_format"]
    assert (told["choice"], told["is"]) == ("auto", "chat")
    assert len(told["template_sha256"]) == 64
    assert finished.record["prompt_format"] == {"choice": "auto", "is": "plain"}
    assert "prompt_format" not in finished.record["recipe"]


def test_every_model_is_asked_in_its_template_with_the_date_of_the_run(chatted, chat_world):
    base = load_base(str(chat_world / "base"), CPU)
    evaluation = chatted.evaluation
    sampling = Sampling.of(evaluation.config, evaluation.sampling.seed)
    form = PipelineParts(config(chat_world, chatted.output.path, recipe=quick())).format_choice.of(
        base.tokenizer
    )
    assert form.described()["rendered_at"] == chatted.record["prompt_format"]["rendered_at"]
    baseline = evaluation.models[0]
    asked = evaluation.selection.asked
    assert [SYSTEM, USER] in [list(prompt.messages) for prompt in asked if prompt.messages]
    assert list(baseline.responses) == generate(
        base.model, base.tokenizer, asked, sampling, form=form
    )
    # Answers may coincide by chance; what is asked does not.
    texts = list(evaluation.selection.prompts)
    assert encode_prompts(base.tokenizer, asked, form) != encode_prompts(
        base.tokenizer, texts, form
    )


def test_the_models_side_by_side_are_asked_as_they_were_when_they_were_evaluated(
    chatted, chat_world
):
    adapters = {name: chatted.output.stage(name).final_model for name in ("stage1", "stage2")}
    told = chatted.record["prompt_format"]
    beside = SideBySide(
        load_base(str(chat_world / "base"), CPU),
        adapters,
        load_detector(chat_world / "detector", CPU, "fp32"),
        torch.float32,
        FormatChoice.at("auto", told["rendered_at"]),
    )
    evaluation = chatted.evaluation
    sampling = Sampling.of(evaluation.config, evaluation.sampling.seed)
    row = next(n for n, one in enumerate(evaluation.selection.messages) if one is None)
    replies = beside.answer(evaluation.selection.prompts[row], sampling)
    found = {reply.model: reply.text for reply in replies if reply.scores is not None}
    assert found == {model.name: model.responses[row] for model in evaluation.models}


def test_the_card_shows_how_to_ask(chatted, finished):
    card = (chatted.output.stage("stage2").final_model / "README.md").read_text()
    assert "tokenizer.apply_chat_template(" in card
    assert "add_generation_prompt=True" in card
    assert "prompt_format" in card
    assert chatted.record["prompt_format"]["template_sha256"][:16] in card
    plain = (finished.output.stage("stage2").final_model / "README.md").read_text()
    assert "apply_chat_template" not in plain


def test_an_interrupted_pipeline_goes_on_with_the_date_it_began_with(chat_world, tmp_path):
    """The template writes seconds: with another time all pairs would be others."""
    recipe = quick()
    until = iter(range(12))
    stopping = Reporter(should_stop=lambda: next(until, None) is None)
    asked = config(chat_world, tmp_path / "out", recipe=recipe, precision="fp32")
    with pytest.raises(InterruptedRunError):
        run_pipeline(asked, stopping)
    assert list((tmp_path / "out").glob("*/checkpoints/*"))
    begun = json.loads((tmp_path / "out" / "run.json").read_text())["prompt_format"]
    while datetime.now().replace(microsecond=0).isoformat() == begun["rendered_at"]:
        pass

    resumed = run_pipeline(
        config(chat_world, tmp_path / "out", recipe=recipe, precision="fp32", resume=True)
    )

    assert resumed.record["prompt_format"] == begun


def test_stages_are_not_gone_on_with_in_another_format(chat_world, chatted, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(chatted.output.path, out)
    keep_stages_only(OutputFolder(out))
    with pytest.raises(OutputError, match="another prompt_format"):
        PipelineParts(config(chat_world, out, recipe=quick("prompt_format=plain"))).prepare()
    # Stages from before there was a choice were trained in plain text.
    (out / "run.json").write_text(json.dumps({"stages": chatted.record["stages"]}))
    with pytest.raises(OutputError, match="another prompt_format"):
        PipelineParts(config(chat_world, out, recipe=quick())).prepare()
    (out / "run.json").write_text(json.dumps({"stages": chatted.record["stages"]}))
    PipelineParts(config(chat_world, out, recipe=quick("prompt_format=plain"))).prepare()


def test_answers_in_another_format_are_not_taken_over(chat_world, chatted):
    parts = PipelineParts(config(chat_world, chatted.output.path, recipe=quick()))
    base = load_base(str(chat_world / "base"), CPU)
    job = parts.evaluation_job(chatted.evaluation.selection)
    other = replace(job, format_choice=FormatChoice("plain"))
    weights = digests_of(base)
    assert work_key(base, weights, job) == work_key(base, weights, job)
    assert work_key(base, weights, job) != work_key(base, weights, other)


@pytest.mark.parametrize("file", ["pairs.json", "eval.json"])
def test_what_the_template_refuses_is_refused_before_anything_is_trained(
    chat_world, tmp_path, file
):
    world = tmp_path / "world"
    shutil.copytree(chat_world, world)
    write_chat_base(world / "base", made.GEMMA)
    other = "eval.json" if file == "pairs.json" else "pairs.json"
    rows = json.loads((world / other).read_text())
    (world / other).write_text(json.dumps([row for row in rows if isinstance(row["prompt"], str)]))

    with pytest.raises(DataError, match=r"(row|prompt) \d+.*System role not supported.*=plain"):
        run_pipeline(config(world, tmp_path / "out", recipe=quick()))

    assert not (tmp_path / "out" / "stage1").exists()
    plain = quick("prompt_format=plain")
    PipelineParts(config(world, tmp_path / "plain", recipe=plain))


def test_a_base_without_a_template_can_not_be_asked_to_chat(world, tmp_path):
    recipe = load_recipe("content-then-manner", [*QUICK, "prompt_format=chat"])
    with pytest.raises(ModelError, match=r"prompt_format is chat, but the tokenizer of .* has no"):
        run_pipeline(config(world, tmp_path / "out", recipe=recipe))


def test_an_estimate_shows_a_pair_as_the_model_will_see_it(chat_world, tmp_path):
    estimate = estimate_pipeline(
        config(chat_world, tmp_path / "out", recipe=quick(), precision="fp32"), Reporter()
    )
    shown = estimate.document()["shown_pair"]
    assert shown["format"] == "chat"
    assert shown["prompt"][0] == {"text": "<s>", "is_special": True}
    assert list(shown["chosen"][-2:]) == [
        {"text": "<|im_end|>", "is_special": True},
        {"text": "\n", "is_special": False},
    ]
