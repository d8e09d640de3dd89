"""Asking for sweeps, and for what becomes of them."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from grice_core.errors import InputError
from grice_core.progress import Progress, silent
from grice_core.store import recipes, sweeps, transitions
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.json_text import digest_of
from grice_core.store.states import Device
from grice_core.store.sweeps import SweepDraft
from grice_core.structured_log import say
from grice_core.sweep.search import Search
from grice_core.sweep.space import checked
from grice_core.sweep.stored import search_document
from worker.drafts import in_store, spec_of
from worker.intake import Intake
from worker.requests import DeviceChoice, PipelineRequest
from worker.sweeps import SweepAdvancer

OPTUNA_MISSING = "a sweep needs the package optuna: pip install 'grice-studio[sweep]'"


@dataclass(frozen=True)
class SweepQueue:
    """Everything that the app and the command do with sweeps."""

    database: Database
    artifacts: ArtifactStore
    wake: Callable[[], bool]
    device_of: Callable[[DeviceChoice], Device]

    def submit(self, request: PipelineRequest, search: Search, progress: Progress = silent) -> int:
        """Ask for a sweep; asking twice for the same gives the same one. Returns its id.

        Args:
            request: the pipeline of the recipe as it is.
            search: of that recipe, with the pipeline's seed.

        Raises:
            NotAllowedError: a viewer asks.
            InputError: optuna is not installed, the space is none, or a file, the detector or the base
                can't be used; nothing is submitted then.
            RecipeError: a field does not take a value.
        """
        if not is_optuna_installed():
            raise InputError(OPTUNA_MISSING)
        checked(search.varied, search.changed)
        request = Intake(self.database, self.artifacts).stored(request, progress)
        spec = spec_of(request)
        asked = search_document(search)
        decides = {name: value for name, value in asked.items() if name != "at_once"}
        detector = request.detector
        draft = SweepDraft(
            key=f"sweep-{digest_of({'pipeline': spec.digest, 'search': decides})}",
            name=request.title(request.recipe.name, spec.data.name),
            recipe_id=recipes.save(
                self.database, request.recipe.name, request.recipe.model_dump(mode="json")
            ),
            data_set_id=in_store(request.data).id,
            eval_data_set_id=in_store(request.eval).id,
            detector_id=None if isinstance(detector, str) else detector.id,
            device=self.device_of(request.device),
            pipeline=spec.document(),
            search=asked,
        )
        sweep_id = sweeps.submit(self.database, draft)
        self._advance(sweep_id)
        return sweep_id

    def cancel(self, sweep_id: int) -> None:
        """Stop a sweep and its pipelines; see `sweeps.cancel`."""
        for run_id in sweeps.cancel(self.database, sweep_id):
            transitions.request_stop(self.database, run_id)

    def resume(self, sweep_id: int) -> None:
        """Let a failed or cancelled sweep continue; see `sweeps.resume`."""
        for run_id in sweeps.resume(self.database, sweep_id):
            transitions.resume(self.database, run_id)
        self._advance(sweep_id)

    def remove(self, sweep_id: int) -> None:
        """Forget a sweep; its pipelines stay. See `sweeps.remove`."""
        sweeps.remove(self.database, sweep_id)

    def _advance(self, sweep_id: int) -> None:
        """Begin at once; workers take it on."""
        advancer = SweepAdvancer(self.database, self.artifacts, say)
        advancer.advance(sweeps.get(self.database, sweep_id))
        self.wake()


def is_optuna_installed() -> bool:
    """Whether trials can be chosen; looked up without importing it, which takes a second."""
    return find_spec("optuna") is not None
