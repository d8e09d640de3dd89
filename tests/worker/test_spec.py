import pytest

from grice_core.errors import InputError
from grice_core.recipes.load import load_recipe
from worker.spec import PipelineSpec, StoredData, StoredDetector, parse_pipeline

FORMATS = ("auto", "plain", "chat")
DATA = StoredData(name="pairs.json", sha256="a" * 64, artifact_sha256="b" * 64, num_rows=9)


def spec(**changes):
    fields = {
        "data": DATA,
        "eval": DATA,
        "base": "gpt2",
        "detector": "someone/detector",
        "recipe": load_recipe("joint"),
    }
    return PipelineSpec(**(fields | changes))


def test_what_is_stored_is_read_back_the_same():
    assert parse_pipeline(spec().document()) == spec()


def test_the_digest_stands_for_everything_that_numbers_depend_on():
    assert spec().digest == spec().digest
    digests = {
        each.digest
        for each in (spec(), spec(seed=1), spec(base="gpt2-medium"), spec(leakage="keep"))
    }
    assert len(digests) == 4


def test_one_process_is_what_specs_meant_before_they_could_say_it():
    document = spec().document()
    del document["num_processes"]
    assert parse_pipeline(document).digest == spec(num_processes=1).digest
    assert spec(num_processes="auto").digest == spec().digest
    assert spec(num_processes=2).digest != spec().digest
    assert "parallel" not in document["recipe"]


def test_a_spec_that_says_no_prompt_format_has_the_digest_that_it_had_before_it_could():
    assert "prompt_format" not in spec().document()["recipe"]
    # The number of prompts that recipes meant at that time when they named none.
    as_before = spec(recipe=load_recipe("joint", ["evaluation.num_prompts=100"]))
    assert as_before.digest == "f2a7c66ab35d8887bc3b8f7e8c45881cd24899edaa8e7f43e549b1a838f0483a"
    formats = [spec(recipe=load_recipe("joint", [f"prompt_format={name}"])) for name in FORMATS]
    assert [each.digest == spec().digest for each in formats] == [True, False, False]
    assert len({each.digest for each in formats}) == 3
    assert [parse_pipeline(each.document()) for each in formats] == formats


def test_a_second_judge_makes_it_another_pipeline_and_none_is_not_mentioned():
    assert "second_judge" not in spec().document()
    judge = StoredDetector(name="other", sha256="c" * 64)
    judged_twice = spec(second_judge=judge)
    assert judged_twice.digest != spec().digest
    assert judged_twice.digest != spec(second_judge="someone/other").digest
    assert parse_pipeline(judged_twice.document()) == judged_twice


def test_a_name_makes_it_no_other_pipeline_and_is_read_back():
    named = spec(run_name="as in the paper")
    assert named.digest == spec().digest
    assert parse_pipeline(named.document()).run_name == "as in the paper"
    assert "run_name" not in spec().document()


def test_the_spec_of_another_version_is_refused_in_words():
    with pytest.raises(InputError, match=r"version.*submit it again"):
        parse_pipeline(spec().document() | {"version": 99})


def test_a_spec_with_something_unknown_is_refused():
    with pytest.raises(InputError, match=r"colour.*submit it again"):
        parse_pipeline(spec().document() | {"colour": "blue"})
