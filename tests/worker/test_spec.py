import pytest

from grice_core.errors import InputError
from grice_core.recipes.load import load_recipe
from worker.spec import PipelineSpec, StoredData, parse_pipeline

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
    assert parse_pipeline(spec().model_dump(mode="json")) == spec()


def test_the_digest_stands_for_everything_that_numbers_depend_on():
    assert spec().digest == spec().digest
    digests = {
        each.digest
        for each in (spec(), spec(seed=1), spec(base="gpt2-medium"), spec(leakage="keep"))
    }
    assert len(digests) == 4


def test_one_process_is_what_specs_meant_before_they_could_say_it():
    document = spec().model_dump(mode="json")
    del document["num_processes"]
    assert parse_pipeline(document).digest == spec(num_processes=1).digest
    assert spec(num_processes="auto").digest == spec().digest
    assert spec(num_processes=2).digest != spec().digest
    assert "parallel" not in document["recipe"]


def test_the_spec_of_another_version_is_refused_in_words():
    with pytest.raises(InputError, match=r"version.*submit it again"):
        parse_pipeline(spec().model_dump(mode="json") | {"version": 99})


def test_a_spec_with_something_unknown_is_refused():
    with pytest.raises(InputError, match=r"colour.*submit it again"):
        parse_pipeline(spec().model_dump(mode="json") | {"colour": "blue"})
