"""A stage for other programs: each form is read as they read it, and is the model that was evaluated."""

import hashlib
import json
import shlex
import shutil

import pyarrow.parquet as pq
import pytest
import torch
import yaml
from peft import PeftModel
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from typer.testing import CliRunner

from grice_core.cli import app
from grice_core.dpo.adapters import load_adapter
from grice_core.dpo.reference import weights_hash
from grice_core.errors import InputError, ModelError, OutputError
from grice_core.evaluation.results import GENERATIONS_FILE
from grice_core.export.job import MANIFEST, ExportJob
from grice_core.export.run import export_stage
from grice_core.export.stage import TrainedStage
from grice_core.progress import Reporter
from grice_core.settings import settings
from tests.dpo import tiny

CPU = torch.device("cpu")
AS_EVALUATED = {
    "temperature": 0.7,
    "top_p": 0.9,
    "top_k": 0,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
}


def exported(finished, out, form, stage="stage2", **options):
    job = ExportJob(TrainedStage.open(finished.output.path / stage), form, out, **options)
    return export_stage(job, CPU, Reporter())


def logits(model):
    with torch.no_grad():
        return model.eval()(input_ids=torch.tensor([[1, 2, 3, 4]])).logits


def evaluated(finished):
    """The model that the evaluation asked, whatever number format this machine holds its base in."""
    return TrainedStage.open(finished.output.path / "stage2").models(CPU).after("stage2").model


def on_a_base_in_fp32(finished, world, folder):
    """The same stages on a base that is held in fp32, as on a machine that is slow in bf16."""
    shutil.copytree(finished.output.path, folder)
    run = json.loads((folder / "run.json").read_text())
    model = AutoModelForCausalLM.from_pretrained(world / "base", dtype=torch.float32)
    run["inputs"]["base"] |= {"dtype": "fp32", "weights_sha256": weights_hash(model)}
    (folder / "run.json").write_text(json.dumps(run))
    return TrainedStage.open(folder)


def test_an_adapter_is_the_published_one_and_loads_by_stock_peft(finished, world, tmp_path):
    export = exported(finished, tmp_path / "out", "adapter")
    published = load_adapter(finished.output.path / "stage2" / "final_model").tensors
    written = load_adapter(tmp_path / "out").tensors
    assert written.keys() == published.keys()
    assert all(torch.equal(written[name], published[name]) for name in written)
    base = AutoModelForCausalLM.from_pretrained(world / "base", dtype=torch.float32)
    policy = PeftModel.from_pretrained(base, tmp_path / "out")
    assert logits(policy).shape == logits(evaluated(finished)).shape
    assert export.comparison.is_exact
    (command,) = export.serving.commands
    drawn = shlex.split(command.partition("--override-generation-config ")[2])[0]
    assert json.loads(drawn) == AS_EVALUATED


def test_a_merged_model_is_the_evaluated_one(finished, tmp_path):
    export = exported(finished, tmp_path / "out", "merged")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    torch.testing.assert_close(logits(model), logits(evaluated(finished)))
    assert export.comparison.effect > 0
    assert AutoTokenizer.from_pretrained(tmp_path / "out")("where do cats")["input_ids"]
    said = model.generation_config.to_diff_dict()
    assert {name: said[name] for name in AS_EVALUATED} == AS_EVALUATED


def test_whatever_else_a_base_says_of_drawing_is_not_taken_over(finished, world, tmp_path):
    """Its file has what no evaluation did, as those of real models have."""
    on_a_base_in_fp32(finished, world, tmp_path / "fp32")
    shutil.copytree(world / "base", tmp_path / "base")
    config = tmp_path / "base" / "generation_config.json"
    others = {"repetition_penalty": 1.3, "top_k": 20, "min_p": 0.1, "typical_p": 0.5}
    others |= {"no_repeat_ngram_size": 3, "suppress_tokens": [5], "do_sample": True}
    config.write_text(json.dumps(json.loads(config.read_text()) | others))
    stage = TrainedStage.open(tmp_path / "fp32", str(tmp_path / "base"))
    export_stage(ExportJob(stage, "merged", tmp_path / "out"), CPU, Reporter())
    said = GenerationConfig.from_pretrained(tmp_path / "out").to_diff_dict()
    assert {name: said[name] for name in AS_EVALUATED} == AS_EVALUATED
    ends = {"eos_token_id", "bos_token_id", "pad_token_id"}
    assert said.keys() <= {*AS_EVALUATED, *ends, "do_sample", "transformers_version"}


def test_a_merged_model_whose_base_is_held_in_fp32_is_the_same_bit_for_bit(
    finished, world, tmp_path
):
    stage = on_a_base_in_fp32(finished, world, tmp_path / "fp32")
    export = export_stage(ExportJob(stage, "merged", tmp_path / "out"), CPU, Reporter())
    assert export.comparison.is_exact
    base = AutoModelForCausalLM.from_pretrained(world / "base", dtype=torch.float32)
    stock = PeftModel.from_pretrained(base, stage.final_model).merge_and_unload()
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert torch.equal(logits(model), logits(stock))


def test_weights_that_would_round_the_training_away_are_refused(finished, world, tmp_path):
    stage = on_a_base_in_fp32(finished, world, tmp_path / "fp32")
    tensors = load_adapter(stage.final_model).tensors
    faint = {name: tensor * (1e-2 if "lora_B" in name else 1) for name, tensor in tensors.items()}
    save_file(faint, stage.final_model / "adapter_model.safetensors")
    job = ExportJob(stage, "merged", tmp_path / "out", "bf16")
    with pytest.raises(ModelError, match="weights in fp32 keep it, fewer bits round it away"):
        export_stage(job, CPU, Reporter())
    assert not (tmp_path / "out").exists()
    export = export_stage(ExportJob(stage, "merged", tmp_path / "out"), CPU, Reporter())
    assert export.comparison.is_exact


def test_a_merged_card_says_how_to_load_it_how_it_was_judged_and_how_to_serve_it(
    finished, tmp_path
):
    exported(finished, tmp_path / "out", "merged")
    card = (tmp_path / "out" / "README.md").read_text()
    assert 'AutoModelForCausalLM.from_pretrained("path/to/this/folder")' in card
    assert "library_name: transformers" in card
    assert "## Results" in card
    assert "vllm serve . --served-model-name stage2 --dtype float32" in card


@pytest.mark.parametrize("form", ["adapter", "merged"])
def test_a_cards_example_draws_as_the_evaluation_did_whatever_the_base_says(
    finished, world, tmp_path, form
):
    shutil.copytree(world / "base", tmp_path / "base")
    config = tmp_path / "base" / "generation_config.json"
    others = {
        "repetition_penalty": 1.3,
        "num_beams": 2,
        "no_repeat_ngram_size": 3,
        "typical_p": 0.5,
    }
    config.write_text(json.dumps(json.loads(config.read_text()) | others))
    exported(finished, tmp_path / "out", form)
    card = (tmp_path / "out" / "README.md").read_text()
    code = card.partition("```python\n")[2].partition("```")[0]
    code = code.replace("path/to/this/folder", str(tmp_path / "out"))
    code = code.replace(repr(str(world / "base")), repr(str(tmp_path / "base")))
    names = {}
    exec(code, names)  # noqa: S102 - ours, as a reader would run it
    said, _ = names["model"]._prepare_generation_config(None)
    drawn = {name: getattr(said, name) for name in AS_EVALUATED}
    neutral = {"num_beams": 1, "no_repeat_ngram_size": 0, "typical_p": 1.0}
    assert drawn == AS_EVALUATED
    assert {name: getattr(said, name) or value for name, value in neutral.items()} == neutral
    assert said.eos_token_id is not None


def test_the_manifest_holds_the_hash_of_each_file(finished, tmp_path):
    exported(finished, tmp_path / "out", "adapter", companions=("evaluation",))
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_text())
    files = {
        path.relative_to(tmp_path / "out").as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file() and path.name != MANIFEST
    }
    assert manifest["files"] == files


def test_pairs_and_answers_go_along_as_a_data_set(finished, tmp_path):
    exported(finished, tmp_path / "out", "adapter", companions=("data", "evaluation"))
    folder = tmp_path / "out" / "dataset"
    head = yaml.safe_load((folder / "README.md").read_text().split("---")[1])
    files = {
        (config["config_name"], each["split"]): pq.read_table(folder / each["path"])
        for config in head["configs"]
        for each in config["data_files"]
    }
    for stage in finished.record["stages"]:
        assert files[stage["name"], "train"].num_rows == stage["num_train"]
        assert files[stage["name"], "heldout"].num_rows == stage["num_heldout"]
    answers = files["evaluation", "test"].to_pylist()
    lines = (finished.output.path / GENERATIONS_FILE).read_text().splitlines()
    assert [one["response"] for one in answers] == [json.loads(line)["response"] for line in lines]


def test_nothing_is_written_over_something_else(finished, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds something else"):
        exported(finished, tmp_path, "adapter")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_another_base_is_refused(finished, tmp_path):
    other = tiny.gpt2()
    with torch.no_grad():
        other.transformer.wte.weight[0, 0] += 1
    other.save_pretrained(tmp_path / "other")
    tiny.tokenizer().save_pretrained(tmp_path / "other")
    stage = TrainedStage.open(finished.output.path / "stage1", base=str(tmp_path / "other"))
    with pytest.raises(ModelError, match="is not the base that stage1 was trained on"):
        export_stage(ExportJob(stage, "merged", tmp_path / "out"), CPU, Reporter())
    assert not (tmp_path / "out").exists()


def test_an_edited_pair_file_does_not_go_along(finished, world, tmp_path):
    pairs = json.loads((world / "pairs.json").read_text())
    pairs[0]["chosen"] = "another answer."
    (tmp_path / "pairs.json").write_text(json.dumps(pairs))
    result = CliRunner().invoke(
        app,
        f"export {finished.output.path} --to adapter --out {tmp_path}/out --with data "
        f"--data {tmp_path}/pairs.json",
    )
    assert "is not the file that stage2 was trained on" in str(result.exception)
    assert not (tmp_path / "out").exists()


def converter(folder, monkeypatch, text):
    path = folder / "convert_hf_to_gguf.py"
    path.write_text(text)
    monkeypatch.setenv("GRICE_GGUF_CONVERTER", str(path))
    settings.cache_clear()


def test_without_llama_cpp_one_sentence_says_what_to_install(finished, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        InputError, match=r"GGUF needs llama.cpp's converter convert_hf_to_gguf\.py"
    ):
        exported(finished, tmp_path / "out", "gguf")
    monkeypatch.setenv("GRICE_GGUF_CONVERTER", str(tmp_path / "nowhere.py"))
    settings.cache_clear()
    with pytest.raises(InputError, match="which is no file"):
        exported(finished, tmp_path / "out", "gguf")
    monkeypatch.undo()
    settings.cache_clear()


def test_what_the_converter_refuses_is_said_in_its_words(tmp_path, monkeypatch):
    from grice_core.export.gguf import convert

    converter(tmp_path, monkeypatch, "raise SystemExit('Model Tiny is not supported')")
    with pytest.raises(ModelError, match=r"Model Tiny is not supported\): export it as merged"):
        convert(tmp_path, tmp_path / "out.gguf", "fp16")
    converter(tmp_path, monkeypatch, "import torch, a_package_that_is_not_there")
    with pytest.raises(InputError, match=r"can't run \(.*a_package_that_is_not_there'\): install"):
        convert(tmp_path, tmp_path / "out.gguf", "fp16")
    monkeypatch.undo()
    settings.cache_clear()


def test_a_stage_is_named_by_its_folder_or_is_the_last(finished, tmp_path):
    assert TrainedStage.open(finished.output.path).name == "stage2"
    assert TrainedStage.open(finished.output.path / "stage1").name == "stage1"
    with pytest.raises(InputError, match="has no trained stage stage3: it has stage1, stage2"):
        TrainedStage.open(finished.output.path / "stage3")
    with pytest.raises(InputError, match="is no trained stage: name one as OUT/stage1"):
        TrainedStage.open(tmp_path / "stage1")


def test_what_would_be_pushed_is_shown_without_a_network(finished, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    arguments = ["export", str(finished.output.path), "--to", "hub:me/speaker", "--dry-run"]
    refused = CliRunner().invoke(app, arguments)
    assert "say with --base-id which model of the hub it is" in " ".join(refused.output.split())
    result = CliRunner().invoke(
        app, [*arguments, "--base-id", "gpt2", "--with", "evaluation"], catch_exceptions=False
    )
    assert "Would push to model me/speaker (private)" in result.output
    assert "adapter_model.safetensors" in result.output
    assert "Would push to dataset me/speaker-data (private)" in result.output


def test_no_path_of_this_machine_is_pushed(finished, world, tmp_path):
    exported(finished, tmp_path / "out", "merged", is_shared=True)
    texts = [path for path in (tmp_path / "out").rglob("*") if path.suffix in {".json", ".md"}]
    assert texts
    assert not [path.name for path in texts if str(world.parent) in path.read_text()]


def test_an_interrupted_pipeline_exports_what_is_trained(finished, tmp_path):
    folder = tmp_path / "cut-off"
    shutil.copytree(finished.output.path, folder)
    for name in (GENERATIONS_FILE, "evaluation.json", "multistage_results.json"):
        (folder / name).unlink()
    job = ExportJob(TrainedStage.open(folder / "stage1"), "adapter", tmp_path / "out")
    assert export_stage(job, CPU, Reporter()).comparison.is_exact
