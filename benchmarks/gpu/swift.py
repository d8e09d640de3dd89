"""ms-swift's DPO with packed rows, by its own command; written from its documentation, not tried yet."""

import json
import re
import subprocess
import time

import torch

from benchmarks.trainer.work import Work, make_model, make_tokenizer
from grice_core.kernels.precision import resolve_device

_RUNTIME = re.compile(r"'?train_runtime'?:\s*'?([\d.]+)")


def train_packed(work: Work) -> float:
    """Seconds of the stage's training as ms-swift reports them, without loading, else of its whole command.

    Raises: CalledProcessError, if it doesn't take the command.
    """
    folder = work.home / "swift-base"
    make_model(work.size, resolve_device(work.device)).to(torch.bfloat16).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    rows = work.home / "swift.jsonl"
    rows.write_text("".join(map(_row, json.loads(work.pairs.read_text(encoding="utf-8")))))
    stage = work.stage
    options = {
        "rlhf_type": "dpo",
        "model": folder,
        "model_type": "llama3_2",
        "template": "llama3_2",
        "train_type": "lora",
        "lora_rank": stage.lora.r,
        "lora_alpha": stage.lora.alpha,
        "lora_dropout": stage.lora.dropout,
        "target_modules": "all-linear",
        "dataset": rows,
        "split_dataset_ratio": 0,
        "torch_dtype": "bfloat16",
        "attn_impl": "flash_attn",
        "packing": "true",
        "gradient_checkpointing": "false",
        "num_train_epochs": stage.epochs,
        # A row holds as many pairs as fit into max_length: about a step's.
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": 1,
        "max_length": stage.max_length * stage.pairs_per_step // 2,
        "learning_rate": stage.learning_rate,
        "beta": stage.beta,
        "save_strategy": "no",
        "report_to": "none",
        "output_dir": work.home / "swift",
    }
    command = ["swift", "rlhf"]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    started = time.perf_counter()
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    said = _RUNTIME.search(ran.stdout + ran.stderr)
    return float(said.group(1)) if said else time.perf_counter() - started


def _row(pair: dict[str, str]) -> str:
    asked = {"role": "user", "content": pair["prompt"]}
    messages = [asked, {"role": "assistant", "content": pair["chosen"]}]
    row = {"messages": messages, "rejected_response": pair["rejected"]}
    return json.dumps(row, ensure_ascii=False) + "\n"
