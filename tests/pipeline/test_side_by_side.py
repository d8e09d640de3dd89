import numpy as np
import pytest
import torch

from grice_core.detector.load import load_detector
from grice_core.dpo.base import load_base
from grice_core.evaluation.sampling import Sampling
from grice_core.pipeline.run import run_pipeline
from grice_core.pipeline.side_by_side import SideBySide
from tests.pipeline.world import config

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def finished(world, tmp_path_factory):
    """In fp32, where the same model gives the same answer whatever stands beside it in a batch."""
    return run_pipeline(config(world, tmp_path_factory.mktemp("fp32") / "run", precision="fp32"))


@pytest.fixture(scope="module")
def beside(finished, world):
    adapters = {name: finished.output.stage(name).final_model for name in ("stage1", "stage2")}
    detector = load_detector(world / "detector", CPU, "fp32")
    return SideBySide(load_base(str(world / "base"), CPU), adapters, detector, torch.float32)


@pytest.fixture(scope="module")
def sampling(finished):
    return Sampling.of(finished.evaluation.config, finished.evaluation.sampling.seed)


def last_of_each(replies):
    return {reply.model: reply for reply in replies if reply.scores is not None}


def test_each_model_gives_the_answer_and_the_scores_that_it_gave_when_it_was_evaluated(
    beside, finished, sampling
):
    models = finished.evaluation.models
    for row, prompt in enumerate(models[0].prompts):
        found = last_of_each(beside.answer(prompt, sampling))
        for model in models:
            assert found[model.name].text == model.responses[row]
            assert found[model.name].scores == pytest.approx(tuple(model.scores[row]), abs=1e-5)


def test_answers_grow_and_the_models_take_turns(beside, sampling):
    replies = list(beside.answer("where do cats sleep?", sampling))

    assert [reply.model for reply in replies[:3]] == list(beside.models)
    for name in beside.models:
        texts = [reply.text for reply in replies if reply.model == name]
        assert [len(text) for text in texts] == sorted(len(text) for text in texts)
        assert sum(r.scores is not None for r in replies if r.model == name) == 1


def test_without_common_noise_a_model_does_not_meet_the_draws_of_the_others(beside, sampling):
    prompts = [f"where do {animal} sleep?" for animal in ("cats", "dogs", "hens", "pigs")]

    def texts(same_noise):
        return [
            [
                reply.text
                for reply in last_of_each(
                    beside.answer(p, sampling, same_noise=same_noise)
                ).values()
            ]
            for p in prompts
        ]

    common, own = (np.array(texts(same)) for same in (True, False))
    assert (common[:, 0] == own[:, 0]).all()  # the baseline keeps its seed
    assert (common[:, 1:] != own[:, 1:]).any()


def test_a_plain_base_can_be_asked_alone(world, beside, sampling):
    alone = SideBySide(load_base(str(world / "base"), CPU), {}, beside.detector, torch.float32)
    prompt = "where do cats sleep?"
    expected = last_of_each(beside.answer(prompt, sampling))["baseline"].text
    assert last_of_each(alone.answer(prompt, sampling))["baseline"].text == expected
