"""Reference log-probabilities: computed once, without gradient, kept on disk.

The cache is addressed by everything that they depend on: the weights, the number format, the way
passes are run, plain kernels and each pair's token ids. A second run on the same data pays nothing.
"""

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import load, save
from transformers import PreTrainedModel

from grice_core.dpo.encode import EncodedPair
from grice_core.dpo.examples import Compute, ReferenceLogps
from grice_core.dpo.logps import PairLogps, pair_logps
from grice_core.dpo.policy import reference
from grice_core.files import write_bytes_atomic
from grice_core.kernels.choice import uses_plain
from grice_core.progress import Progress, silent

_DIGEST_SIZE = hashlib.sha256().digest_size


def weights_hash(model: torch.nn.Module) -> str:
    """SHA-256 of a model's parameters and buffers: names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        values = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
        digest.update(values.view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def config_hash(model: PreTrainedModel) -> str:
    """SHA-256 of what a model makes of its weights: the same ones mean something else with other rotary
    frequencies, windows or scalings."""
    said = model.config.to_diff_dict()
    about_the_file = {"_name_or_path", "transformers_version", "dtype", "architectures"}
    kept = {name: value for name, value in said.items() if name not in about_the_file}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class ReferenceCache:
    """A file of log-probabilities for one reference, by pair: a SHA-256 of the rest, then tensors."""

    path: Path

    @classmethod
    def of(cls, folder: Path, model: str, compute: Compute) -> "ReferenceCache":
        """The cache of a reference whose weights and config have these hashes, run in this way."""
        how = f"{model} {compute.dtype} {compute.passes} {compute.device.type} {torch.__version__}"
        how += " plain" if uses_plain() else ""
        return cls(folder / f"{hashlib.sha256(how.encode()).hexdigest()}.logps")

    def read(self) -> dict[str, tuple[float, float]]:
        """Known pairs; a damaged file counts as empty, since it can be computed again."""
        try:
            content = self.path.read_bytes()
        except OSError:
            return {}
        digest, body = content[:_DIGEST_SIZE], content[_DIGEST_SIZE:]
        if hashlib.sha256(body).digest() != digest:
            return {}
        tensors = load(body)
        keys = bytes(tensors["pairs"].numpy()).hex()
        names = [keys[start : start + 64] for start in range(0, len(keys), 64)]
        values = zip(tensors["chosen"].tolist(), tensors["rejected"].tolist(), strict=True)
        return dict(zip(names, values, strict=True))

    def write(self, known: dict[str, tuple[float, float]]) -> None:
        """Replace the file in one step."""
        keys = bytearray.fromhex("".join(known))
        chosen, rejected = zip(*known.values(), strict=True)
        tensors = {
            "pairs": torch.frombuffer(keys, dtype=torch.uint8),
            "chosen": torch.tensor(chosen, dtype=torch.float32),
            "rejected": torch.tensor(rejected, dtype=torch.float32),
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        body = save(tensors)
        write_bytes_atomic(self.path, hashlib.sha256(body).digest() + body)


def reference_logps(
    policy: PeftModel,
    pairs: Sequence[EncodedPair],
    compute: Compute,
    cache: ReferenceCache | None = None,
    progress: Progress = silent,
) -> ReferenceLogps:
    """Log-probabilities of all pairs with the adapter off; only what the cache lacks is computed."""
    keys = [_pair_key(pair) for pair in pairs]
    known = cache.read() if cache else {}
    absent = {key: pair for key, pair in zip(keys, pairs, strict=True) if key not in known}
    missing = list(absent.values())
    computed: dict[str, tuple[float, float]] = {}

    def run(positions: list[int]) -> None:
        group = [missing[position] for position in positions]
        computed.update(_by_key(group, pair_logps(policy, group, compute.passes, compute.head)))
        progress("reference", len(computed), len(missing))

    try:
        with reference(policy), compute.autocast():
            compute.budget.each(missing, run)
    finally:  # a stop keeps what was computed so far
        known |= computed
        if cache and computed:
            cache.write(known)
    return ReferenceLogps(
        chosen=torch.tensor([known[key][0] for key in keys], dtype=torch.float32),
        rejected=torch.tensor([known[key][1] for key in keys], dtype=torch.float32),
    )


def _by_key(group: Sequence[EncodedPair], values: PairLogps) -> dict[str, tuple[float, float]]:
    numbers = zip(values.chosen.tolist(), values.rejected.tolist(), strict=True)
    return {_pair_key(pair): number for pair, number in zip(group, numbers, strict=True)}


def _pair_key(pair: EncodedPair) -> str:
    """SHA-256 of a pair's token ids."""
    parts = (pair.prompt, pair.chosen, pair.rejected)
    return hashlib.sha256(
        b"".join(struct.pack(f"<I{len(ids)}I", len(ids), *ids) for ids in parts)
    ).hexdigest()
