"""Scoring pairs: this package against the notebook's loop, same weights, same pairs.

    python -m benchmarks.scoring [--pairs 32]

The notebook judges one text at a time, padded to 512 tokens. The network has the shape of
DeBERTa-v3-base with random weights; the pairs are real ones where `../shared/data` is there.
"""

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import expit
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, DebertaV2Config, PreTrainedTokenizerFast

from benchmarks.options import add_device, new_parser
from grice_core.data.pairs import FloatArray
from grice_core.detector.load import build_heads, load_detector
from grice_core.detector.model import MaximHeads
from grice_core.detector.record import DetectorRecord, HeadsArchitecture, Temperatures
from grice_core.detector.template import JudgedText, Template
from grice_core.detector.weights import write_detector
from grice_core.kernels.precision import Precision, resolve_device, resolve_precision

DATA = Path(__file__).parents[2] / "shared" / "data"
TARGETS = {torch.float32: 5.0, torch.bfloat16: 12.0}
TEMPERATURES = Temperatures.from_array(np.array([0.5, 0.6, 0.5, 0.7]))


@dataclass(frozen=True)
class Timed:
    """Scores and how long they took."""

    scores: FloatArray
    seconds: float
    cpu_seconds: float
    """Of all threads: what other programs take in between doesn't count."""


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument(
        "--pairs", type=int, default=32, help="to judge, two texts each; else %(default)s"
    )
    add_device(parser)
    arguments = parser.parse_args()
    device = resolve_device(arguments.device)
    prompts, responses = sample(arguments.pairs)
    tokenizer = make_tokenizer(prompts, responses)
    model = make_model(tokenizer)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_detector(folder, model, tokenizer, make_record())
        score_as_notebook(model, tokenizer, prompts[:1], responses[:1], device)  # warm up
        notebook = timed(lambda: score_as_notebook(model, tokenizer, prompts, responses, device))
        report("notebook", notebook, notebook, len(prompts))
        precisions: list[Precision] = ["fp32"]
        if resolve_precision("auto", device) is torch.bfloat16:
            precisions.append("bf16")
        else:
            print("auto precision is fp32 here: this hardware does not multiply bf16 fast")
        for precision in precisions:
            detector = load_detector(folder, device, precision)
            detector.score(prompts[:1], responses[:1])  # warm up
            ours = timed(lambda: detector.score(prompts, responses))  # noqa: B023 - called at once
            report(precision, ours, notebook, len(prompts))
            target = TARGETS[resolve_precision(precision, device)]
            verdict = "met" if notebook.seconds / ours.seconds >= target else "NOT met"
            print(f"{'':12}target {target:g}x {verdict}")


def timed(work: Callable[[], FloatArray]) -> Timed:
    start, cpu_start = time.perf_counter(), time.process_time()
    scores = work()
    return Timed(scores, time.perf_counter() - start, time.process_time() - cpu_start)


def report(name: str, timed: Timed, baseline: Timed, num_texts: int) -> None:
    print(
        f"{name:<12}{num_texts / timed.seconds:8.2f} texts/s  "
        f"{baseline.seconds / timed.seconds:6.1f}x  "
        f"by CPU seconds {baseline.cpu_seconds / timed.cpu_seconds:5.1f}x  "
        f"largest difference of a score {np.abs(timed.scores - baseline.scores).max():.1e}"
    )


def score_as_notebook(
    model: MaximHeads,
    tokenizer: Any,
    prompts: Sequence[str],
    responses: Sequence[str],
    device: torch.device,
) -> FloatArray:
    """One text at a time, padded to 512 tokens."""
    model.to(device).eval()
    logits = []
    for pair in zip(prompts, responses, strict=True):
        text = Template().render(JudgedText.from_pair(*pair)).text
        tokens = tokenizer(
            text, max_length=512, padding="max_length", truncation=True, return_tensors="pt"
        ).to(device)
        mask = tokens["attention_mask"]
        with torch.no_grad():
            logits.append(model(tokens["input_ids"], mask, mask.bool()).double().cpu().numpy())
    scores: FloatArray = expit(np.concatenate(logits) / TEMPERATURES.as_array())
    return scores


def sample(num_pairs: int) -> tuple[list[str], list[str]]:
    """Prompts and responses of evenly spaced pairs, chosen and rejected after each other."""
    path = DATA / "gricebench" / "scored_pairs.json"
    if path.is_file():
        pairs = json.loads(path.read_text(encoding="utf-8"))
    else:
        print("no real pairs here: synthetic ones of like length")
        pairs = [_synthetic_pair(seed) for seed in range(max(200, num_pairs))]
    chosen = pairs[:: max(1, len(pairs) // num_pairs)][:num_pairs]
    prompts = [pair["prompt"] for pair in chosen for _ in range(2)]
    responses = [pair[side] for pair in chosen for side in ("chosen", "rejected")]
    return prompts, responses


def _synthetic_pair(seed: int) -> dict[str, str]:
    """Random words, as many as GPT-2 makes tokens of the real pairs."""
    rng = np.random.default_rng(seed)
    lengths = {"prompt": rng.integers(60, 150), "chosen": rng.integers(8, 50)}
    lengths["rejected"] = rng.integers(8, 50)
    return {
        field: " ".join(f"w{number}" for number in rng.integers(0, 5000, length))
        for field, length in lengths.items()
    }


def make_tokenizer(prompts: Sequence[str], responses: Sequence[str]) -> Any:
    """GPT-2's where it is, otherwise one of whole words."""
    if (DATA / "gpt2-tokenizer").is_dir():
        return AutoTokenizer.from_pretrained(DATA / "gpt2-tokenizer")
    words = dict.fromkeys(" ".join([*prompts, *responses, "Context: Response:"]).split())
    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", *words])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]")


def make_model(tokenizer: Any) -> MaximHeads:
    """DeBERTa-v3-base's shape, weights random; a smaller vocabulary changes nothing in the time."""
    config = DebertaV2Config(
        vocab_size=len(tokenizer),
        hidden_size=768,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=3072,
        max_position_embeddings=512,
        relative_attention=True,
        position_buckets=256,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
        type_vocab_size=0,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(0)
    model = build_heads(config, HeadsArchitecture(hidden_widths=(384,)))
    with torch.no_grad():  # so that texts differ by more than rounding
        for parameter in model.classifiers.parameters():
            parameter.mul_(5)
    return model


def make_record() -> DetectorRecord:
    return DetectorRecord(
        architecture=HeadsArchitecture(hidden_widths=(384,)),
        temperatures=TEMPERATURES,
        origin="random weights",
        weights_sha256="",
    )


if __name__ == "__main__":
    main()
