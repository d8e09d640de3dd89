"""Pushes to the hub, by huggingface_hub's own client to a server on this machine."""

import pytest
from huggingface_hub import HfApi

from grice_core.errors import InputError, OutputError
from grice_core.export.hub import HubTarget, push
from grice_core.export.job import MANIFEST
from tests.pipeline.hub_server import COMMIT_URL, Repository, hub
from tests.pipeline.test_export import exported


@pytest.fixture
def served():
    with hub() as running:
        yield running


@pytest.fixture(scope="module")
def export(finished, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub") / "export"
    return exported(finished, folder, "adapter", base_id="gpt2", companions=("evaluation",))


def pushed(served, export, **options):
    api = HfApi(endpoint=served.address, token="hf_of_this_test")
    parts = HubTarget.parse("hub:me/speaker", **options).parts(export.folder)
    return [push(part, export.manifest, api) for part in parts]


def test_an_export_is_pushed_privately_in_one_commit_and_its_data_beside_it(served, export):
    assert pushed(served, export) == [COMMIT_URL] * 2
    assert served.commits == 2
    model, data = (served.repositories[name] for name in ("me/speaker", "me/speaker-data"))
    assert model.private
    assert data.private
    sent = {path.name: path.read_bytes() for path in export.folder.iterdir() if path.is_file()}
    assert {name: model.files[name] for name in sent} == sent
    assert {"README.md", "evaluation/test.parquet"} <= data.files.keys()


def test_a_public_push_is_public(served, export):
    pushed(served, export, is_public=True)
    assert not served.repositories["me/speaker"].private


def test_a_push_that_was_cut_off_is_repeated_into_the_empty_repository(served, export):
    served.refuses_commits = True
    with pytest.raises(InputError, match="pushing again sends what is missing"):
        pushed(served, export)
    assert set(served.repositories["me/speaker"].files) == {".gitattributes"}
    served.refuses_commits = False
    pushed(served, export)
    assert MANIFEST in served.repositories["me/speaker"].files


def test_the_same_export_may_be_pushed_again_and_another_may_not(
    served, finished, export, tmp_path
):
    pushed(served, export)
    pushed(served, export)
    other = exported(finished, tmp_path / "other", "adapter", stage="stage1", base_id="gpt2")
    with pytest.raises(OutputError, match="me/speaker holds something else already"):
        pushed(served, other)


def test_a_repository_of_someone_elses_files_is_refused(served, export):
    served.repositories["me/speaker"] = Repository(True, {"notes.md": b"mine"})
    with pytest.raises(OutputError, match="holds something else already"):
        pushed(served, export)
    assert served.repositories["me/speaker"].files == {"notes.md": b"mine"}


def test_nothing_private_is_sent_to_a_public_repository(served, export):
    served.repositories["me/speaker"] = Repository(False)
    with pytest.raises(OutputError, match="me/speaker is public: add --public"):
        pushed(served, export)
    assert not served.repositories["me/speaker"].files


def test_what_arrives_otherwise_is_noticed(served, export):
    served.damages = "adapter_model.safetensors"
    with pytest.raises(InputError, match=r"holds another adapter_model\.safetensors than was sent"):
        pushed(served, export)


def test_a_hub_out_of_reach_is_one_sentence(export):
    api = HfApi(endpoint="http://127.0.0.1:9", token="hf_of_this_test")
    (part, _) = HubTarget.parse("hub:me/speaker").parts(export.folder)
    with pytest.raises(InputError, match="can't push to me/speaker"):
        push(part, export.manifest, api)


@pytest.mark.parametrize("name", ["hub:speaker", "hub:me/", "hub:me/a/b", "hub:"])
def test_a_name_that_is_none_of_the_hubs_is_refused(name):
    with pytest.raises(InputError, match="write hub:owner/name"):
        HubTarget.parse(name)
