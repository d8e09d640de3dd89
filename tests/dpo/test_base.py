import json
import pickle
import warnings

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers.models.llama.modeling_llama import LlamaMLP

from grice_core.dpo.adapters import adapter_of, save_adapter
from grice_core.dpo.base import BaseModel, load_base
from grice_core.errors import ModelError
from grice_core.kernels.stored import store_weights
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.published import StageModels
from tests.dpo import tiny
from tests.kernels.extras import takes_bitsandbytes

CPU = torch.device("cpu")
COMPACT = ["bf16", pytest.param("nf4", marks=takes_bitsandbytes)]


@pytest.fixture
def folder(tmp_path):
    """A whole base model that the tests then spoil."""
    tiny.llama().save_pretrained(tmp_path / "base")
    tiny.tokenizer().save_pretrained(tmp_path / "base")
    return tmp_path / "base"


def weights(folder):
    return load_file(folder / "model.safetensors")


def write_weights(folder, tensors):
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def change_config(folder, **fields):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def write_adapter(folder):
    config = LoraConfig(task_type="CAUSAL_LM", r=2, target_modules=["q_proj"])
    policy = get_peft_model(tiny.llama(), config)
    policy.peft_config["default"].base_model_name_or_path = "some/base"
    save_adapter(adapter_of(policy), folder)


def refusal(folder, *base_dtype) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ModelError) as refused:
            load_base(str(folder), CPU, *base_dtype)
    sentence = str(refused.value)
    assert "\n" not in sentence
    return sentence


def test_a_whole_folder_is_loaded_as_it_is(folder):
    base = load_base(str(folder), CPU)
    assert base.remarks == ()
    for name, tensor in tiny.llama().state_dict().items():
        torch.testing.assert_close(base.model.state_dict()[name], tensor, rtol=0, atol=0)


def test_an_adapter_is_no_base(tmp_path):
    write_adapter(tmp_path)
    tiny.tokenizer().save_pretrained(tmp_path)
    sentence = refusal(tmp_path)
    assert "holds an adapter for some/base, not a model" in sentence
    assert "merge_and_unload" in sentence


def test_weights_beside_an_adapter_leave_open_which_model_is_meant(folder):
    write_adapter(folder)
    assert "unclear which model is meant: move adapter_config.json away" in refusal(folder)


@pytest.mark.parametrize("form", COMPACT)
@pytest.mark.parametrize("shard", ["5GB", "20KB"])
def test_held_in_another_format_it_is_the_same_rounded(tmp_path, shard, form):
    model = tiny.gpt2()
    model.save_pretrained(tmp_path, max_shard_size=shard)
    tiny.tokenizer().save_pretrained(tmp_path)
    base = load_base(str(tmp_path), CPU, form)
    assert (type(base.model), base.remarks) == (type(model), ())
    store_weights(model, form)
    found, expected = base.model.state_dict(), model.state_dict()
    assert found.keys() == expected.keys()
    for name, tensor in found.items():
        assert tensor.dtype == expected[name].dtype
        assert torch.equal(tensor, expected[name])


def test_a_base_that_reads_a_weight_past_its_layer_is_held_in_fp32(folder, tmp_path, monkeypatch):
    def reading(mlp, states):
        return states @ mlp.up_proj.weight.t() @ mlp.down_proj.weight.t()

    monkeypatch.setattr(LlamaMLP, "forward", reading)
    assert "does not compute with its weights in bf16" in refusal(folder, "bf16")
    output = OutputFolder(tmp_path)
    models = StageModels(str(folder), CPU, output, "bf16", may_fall_back=True)
    (remark,) = models.after(None).remarks
    assert "is held in fp32, since it does not compute with weights in bf16" in remark
    assert models.base_dtype == "fp32"


@pytest.mark.parametrize("base_dtype", ["fp32", *COMPACT])
@pytest.mark.parametrize("part", ["self_attn.q_proj.weight", "mlp.down_proj.weight", "norm.weight"])
def test_missing_weights_are_not_made_up(folder, part, base_dtype):
    write_weights(folder, {n: t for n, t in weights(folder).items() if not n.endswith(part)})
    sentence = refusal(folder, base_dtype)
    assert "of the model's weights" in sentence
    assert part in sentence
    assert "random numbers" in sentence


@pytest.mark.parametrize("base_dtype", ["fp32", *COMPACT])
def test_weights_of_another_shape_are_refused(folder, base_dtype):
    change_config(folder, intermediate_size=48)
    assert "can't load the base model" in refusal(folder, base_dtype)


def test_weights_without_a_use_are_told(folder):
    write_weights(folder, weights(folder) | {"value_head.weight": torch.ones(3)})
    (remark,) = load_base(str(folder), CPU).remarks
    assert "1 weights that this architecture has no use for (value_head.weight)" in remark


@pytest.mark.parametrize(
    "settings",
    [
        {"quant_method": "gptq", "bits": 4},
        {"quant_method": "bitsandbytes", "load_in_4bit": True},
        {"quant_method": "fp8"},
    ],
    ids=lambda settings: settings["quant_method"],
)
def test_quantised_weights_are_refused_with_or_without_their_library(folder, settings):
    change_config(folder, quantization_config=settings)
    assert f"is stored quantised ({settings['quant_method']})" in refusal(folder)


@pytest.mark.parametrize("inside", ["", "model.gguf"])
def test_a_gguf_file_or_folder_is_told_from_a_missing_one(tmp_path, inside):
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    path = tmp_path / inside if inside else tmp_path
    assert "is in GGUF" in refusal(path)


def test_a_folder_without_a_tokenizer_is_refused(folder):
    for path in folder.glob("token*"):
        path.unlink()
    assert "tokenizer" in refusal(folder)


def test_weights_in_a_pickle_that_runs_code_are_not_opened(folder):
    class Intruder:
        def __reduce__(self):
            return (print, ("unpickled",))

    (folder / "model.safetensors").unlink()
    with (folder / "pytorch_model.bin").open("wb") as file:
        pickle.dump({"model.norm.weight": Intruder()}, file)
    sentence = refusal(folder)
    assert "safetensors" in sentence
    assert "weights_only=False" not in sentence  # no word on how to run it all the same


def test_damaged_weights_are_refused(folder):
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])
    assert "can't load the base model" in refusal(folder)


def test_a_token_without_an_embedding_is_found_before_the_model_meets_it():
    base = BaseModel("tiny", tiny.llama(), tiny.tokenizer())
    base.check_ids([(1, 32), ()])
    with pytest.raises(
        ModelError, match="gives token 33, but the model has embeddings for 33 only"
    ):
        base.check_ids([(1, 2), (3, 33)])
