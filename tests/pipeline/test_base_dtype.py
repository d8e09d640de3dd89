"""In which number format a pipeline holds its base: decided once, and never at the price of a base."""

import json
from dataclasses import replace

import pytest
import torch
from peft import PeftConfig, PeftModel

from grice_core.dpo.base import load_base
from grice_core.dpo.policy import BASE_DTYPE, merge_saved
from grice_core.dpo.reference import weights_hash
from grice_core.errors import InterruptedRunError, OutputError, PreflightError
from grice_core.evaluation.generation import generate
from grice_core.evaluation.sampling import Sampling
from grice_core.kernels.stored import restore_weights, weights_format
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.parts import PipelineParts
from grice_core.pipeline.record import begun_base_dtype
from grice_core.pipeline.run import run_pipeline
from grice_core.pipeline.trial import try_base
from grice_core.progress import Reporter
from tests.kernels.extras import takes_bitsandbytes
from tests.pipeline.world import PROMPTS, config

CPU = torch.device("cpu")


def test_a_base_that_is_refused_with_weights_in_bf16_is_held_in_fp32_unless_asked_for(
    world, tmp_path, monkeypatch
):
    def refusing(base, *rest):
        if weights_format(base.model) != "fp32":
            raise PreflightError("single rows differ by 1.0e-02")
        return try_base(base, *rest)

    monkeypatch.setattr("grice_core.pipeline.parts.try_base", refusing)
    said = []
    auto, asked = (
        PipelineParts(
            config(world, tmp_path / "out", precision="bf16", base_dtype=base_dtype),
            Reporter(say=said.append),
        )
        for base_dtype in ("auto", "bf16")
    )
    base, trial = auto.try_base(auto.inputs)
    assert (weights_format(base.model), auto.base_dtype) == ("fp32", "fp32")
    assert trial.decoding == "refilled"
    assert any("held in fp32, since in bf16 it is refused: single rows" in one for one in said)
    with pytest.raises(PreflightError):
        asked.try_base(auto.inputs)


def test_the_first_part_decides_in_which_format_the_base_is_held(tmp_path):
    output = OutputFolder(tmp_path)
    assert begun_base_dtype(output, "auto") == "auto"
    output.write_run({"inputs": {"base": {"name": "of before there was a choice"}}})
    assert begun_base_dtype(output, "auto") == "fp32"
    output.write_run({"inputs": {"base": {"dtype": "bf16"}}})
    assert begun_base_dtype(output, "auto") == begun_base_dtype(output, "bf16") == "bf16"
    with pytest.raises(OutputError, match="whose base is held in bf16: give --base-dtype bf16 or"):
        begun_base_dtype(output, "fp32")


@pytest.fixture(scope="module")
def in_4_bits(world, tmp_path_factory):
    """A pipeline that was interrupted in its second stage, and resumed."""
    out = tmp_path_factory.mktemp("out") / "nf4"
    asked = config(world, out, base_dtype="nf4")
    seen = []
    stop = Reporter(lambda *told: seen.append(told), should_stop=lambda: ("stage2", 2, 5) in seen)
    with pytest.raises(InterruptedRunError):
        run_pipeline(asked, stop)
    return run_pipeline(replace(asked, resume=True, base_dtype="auto"))


@takes_bitsandbytes
def test_a_base_in_4_bits_is_trained_evaluated_and_resumed(in_4_bits, world):
    record = in_4_bits.record
    base = load_base(str(world / "base"), CPU, "nf4")
    assert record["inputs"]["base"]["dtype"] == weights_format(base.model) == "nf4"
    assert record["inputs"]["base"]["weights_sha256"] == weights_hash(base.model)
    assert record["stages"][0]["reference"]["sha256"] == weights_hash(base.model)
    for stage in record["stages"]:
        assert stage["preflight"]["max_delta"] == 0
        assert stage["published"]["as"] == "adapter"
        assert stage["after"]["heldout/rewards/margins"] > 0
    history = in_4_bits.output.path / "stage2" / "history.jsonl"
    steps = [json.loads(line)["step"] for line in history.read_text().splitlines()]
    assert steps == [1, 2, 3, 4, 5]
    assert {model.name for model in in_4_bits.evaluation.models} == {"baseline", "stage1", "stage2"}


@takes_bitsandbytes
def test_its_adapters_say_so_and_give_the_evaluated_model_on_that_base(in_4_bits, world):
    folder = in_4_bits.output.path / "stage2" / "final_model"
    assert "BitsAndBytesConfig(load_in_4bit=True" in (folder / "README.md").read_text()
    assert PeftConfig.from_pretrained(str(folder)).auto_mapping[BASE_DTYPE] == "nf4"
    plain, ours = (load_base(str(world / "base"), CPU, "nf4") for _ in range(2))
    restore_weights(plain.model)  # the same values in fp32, as stock PEFT takes them
    stock = PeftModel.from_pretrained(plain.model, folder).eval()
    evaluated = merge_saved(ours, folder).model
    ids = torch.arange(1, 30)[None]
    with torch.no_grad():
        before, expected = (load_base(str(world / "base"), CPU, "nf4").model, stock)
        assert torch.allclose(evaluated(ids).logits, expected(ids).logits, atol=1e-4)
        assert not torch.allclose(evaluated(ids).logits, before(ids).logits, atol=1e-2)


@takes_bitsandbytes
def test_its_answers_in_fp32_do_not_depend_on_the_batch(in_4_bits, world):
    model = merge_saved(
        load_base(str(world / "base"), CPU, "nf4"), in_4_bits.output.path / "stage2" / "final_model"
    )
    sampling = Sampling(temperature=1.0, top_p=1.0, max_new_tokens=12, seed=0)
    one, several = (
        generate(model.model, model.tokenizer, PROMPTS, sampling, batch_size=size)
        for size in (1, len(PROMPTS))
    )
    assert one == several
    assert len(set(one)) > 1
