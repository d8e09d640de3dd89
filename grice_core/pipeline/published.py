"""What a stage publishes, and the models that are made of it.

Everything after a stage starts from what it published: the next stage is trained on it, the evaluation
asks it, and each begins with the plain base from disk. So the published adapter is the evaluated model.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from grice_core.dpo.adapters import Adapter, compose, load_adapter, save_adapter
from grice_core.dpo.base import BaseModel, load_base
from grice_core.dpo.compact import CompactError
from grice_core.dpo.policy import attach_saved, merge_saved
from grice_core.errors import ModelError, TrainingError
from grice_core.files import atomic_folder
from grice_core.kernels.precision import WeightFormat
from grice_core.kernels.stored import restore_weights
from grice_core.pipeline.output import OutputFolder, is_whole_model
from grice_core.pipeline.probe import Probe


class StageModels:
    """The plain base and the models after each stage, of which one is in memory at a time."""

    def __init__(
        self,
        base: str,
        device: torch.device,
        output: OutputFolder,
        base_dtype: WeightFormat = "fp32",
        *,
        may_fall_back: bool = False,
    ) -> None:
        """With `may_fall_back` a base that does not compute with weights in `base_dtype` is held in fp32."""
        self.base_name = base
        self.device = device
        self.base_dtype = base_dtype
        """How the base's weights are held; known for good once a model is there."""
        self._output = output
        self._may_fall_back = may_fall_back
        self._held: tuple[str | None, BaseModel] | None = None

    def after(self, stage: str | None) -> BaseModel:
        """The model after this stage; None: the plain base. Its weights may not be changed.

        Raises: ModelError.
        """
        held, self._held = self._held, None
        if held is not None and held[0] == stage:
            model = held[1]
        else:
            plain = held[1] if held is not None and held[0] is None else None
            held = None  # makes room
            model = self._made(stage, plain)
        self._held = stage, model
        return model

    def fall_back(self) -> bool:
        """Hold the base in fp32 from now on, if that is left to us and was not so already."""
        if not self._may_fall_back or self.base_dtype == "fp32":
            return False
        self.base_dtype = "fp32"
        self.forget()
        return True

    def forget(self) -> None:
        """Hold no model any more."""
        self._held = None

    def _made(self, stage: str | None, plain: BaseModel | None) -> BaseModel:
        if stage is None:
            return self._plain()
        folder = self._output.stage(stage).final_model
        if is_whole_model(folder):
            # Its stages are merged into it, and would be rounded away.
            return replace(load_base(str(folder), self.device), name=self.base_name)
        return merge_saved(plain or self._plain(), folder)

    def _plain(self) -> BaseModel:
        try:
            return load_base(self.base_name, self.device, self.base_dtype)
        except CompactError as error:
            if not self.fall_back():
                raise
            base = load_base(self.base_name, self.device)
            remark = (
                f"{self.base_name} is held in fp32, since it does not compute with weights in "
                f"{error.form} ({error.why})"
            )
            return replace(base, remarks=(*base.remarks, remark))


def publish(
    own: Adapter, probe: Probe, models: StageModels, folder: Path, earlier: Path | None
) -> float:
    """Write what a stage has learned for the plain base, and read it back.

    Args:
        own: The stage's adapter, on the model after the stage before.
        probe: The policy that was trained.
        models: Where the plain base comes from; holds it afterwards, or the model after the stage before.
        folder: Made anew: an adapter that stock PEFT loads on the plain base, or a whole model where no
            adapter can say the same.
        earlier: What the stage before published.

    Returns: The largest difference of a log-probability between what was read back and the policy.

    Raises: TrainingError, if neither gives what was trained.
    """
    adapter = _for_plain_base(own, earlier)
    gap = float("nan")
    if adapter is not None:
        with atomic_folder(folder) as path:
            save_adapter(adapter, path)
        policy = attach_saved(models.after(None), folder)
        gap = probe.gap_to(policy.eval())
        policy.unload()
        if probe.accepts(gap):
            return gap
    return _publish_whole(own, probe, models, folder, earlier)


def _for_plain_base(own: Adapter, earlier: Path | None) -> Adapter | None:
    if earlier is None:
        return own
    if is_whole_model(earlier):
        return None
    try:
        return compose(load_adapter(earlier), own)
    except ModelError:
        return None


def _publish_whole(
    own: Adapter, probe: Probe, models: StageModels, folder: Path, earlier: Path | None
) -> float:
    base = models.after(earlier.parent.name if earlier else None)
    models.forget()
    restore_weights(base.model)
    with atomic_folder(folder) as path, tempfile.TemporaryDirectory() as own_folder:
        save_adapter(own, Path(own_folder))
        merged = merge_saved(base, Path(own_folder))
        merged.model.save_pretrained(path)
        merged.tokenizer.save_pretrained(path)
    del base, merged
    gap = probe.gap_to(load_base(str(folder), models.device).model)
    if not probe.accepts(gap):
        raise TrainingError(
            f"what was trained can't be published: read back from {folder.name}, the model's "
            f"log-probabilities are off by {gap:.2g}. Take another base model, or name lora.target_modules"
        )
    return gap
