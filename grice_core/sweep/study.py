"""The trials of a search, chosen by Optuna and kept in a journal beside their results.

Not in the studio's database: Optuna's tables there would share `alembic_version` with ours, and neither
would open the database of the other (Optuna 5.0.0, `optuna/storages/_rdb/storage.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grice_core.errors import InputError
from grice_core.maxims import MAXIMS
from grice_core.sweep.space import Range, Varied

if TYPE_CHECKING:
    import optuna

_NAME = "sweep"
_ASKED = "asked"
_FEW = 10
"""Trials below which nothing is said of what matters most."""


@dataclass(frozen=True)
class Trial:
    """Values to try."""

    number: int
    """From 0."""
    overrides: tuple[str, ...]
    """Of the recipe."""


class Study:
    """A search in its journal; resumed if that is there.

    Raises:
        InputError: Optuna is not installed, or the journal is of another search.
    """

    def __init__(
        self, journal: Path, varied: Sequence[Varied], asked: Mapping[str, Any], num_trials: int
    ) -> None:
        optuna = _optuna()
        self._varied = varied
        storage = optuna.storages.JournalStorage(
            optuna.storages.journal.JournalFileBackend(str(journal))
        )
        # The first ones are drawn at random: a model of what is good needs something to go by.
        sampler = optuna.samplers.TPESampler(
            seed=asked["seed"], n_startup_trials=max(4, num_trials // 4)
        )
        self._study = optuna.create_study(
            storage=storage,
            sampler=sampler,
            study_name=_NAME,
            directions=["minimize"] * len(MAXIMS),
            load_if_exists=True,
        )
        before = self._study.user_attrs.get(_ASKED)
        if before is not None and before != asked:
            changed = ", ".join(name for name in asked if asked[name] != before.get(name))
            raise InputError(
                f"{journal.parent} holds another search ({changed} changed): give the same options to "
                "continue with it, or choose another --out"
            )
        self._study.set_user_attr(_ASKED, dict(asked))

    def ended(self) -> list[Trial]:
        """Those that have a result, or failed."""
        trials = self._study.get_trials(deepcopy=False)
        return [
            self._read(trial.number, trial.params)
            for trial in trials
            if trial.state.is_finished() and len(trial.params) == len(self._varied)
        ]

    def next(self) -> Trial:
        """One that was interrupted, else a new one."""
        optuna = _optuna()
        begun = self._study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,))
        for trial in begun:
            if len(trial.params) == len(self._varied):
                return self._read(trial.number, trial.params)
            self._study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        fresh = self._study.ask()
        for each in self._varied:
            _suggest(fresh, each)
        return self._read(fresh.number, fresh.params)

    def tell(self, trial: Trial, rates: Mapping[str, float]) -> None:
        """How often each maxim is violated after the trial."""
        self._study.tell(trial.number, [rates[maxim] for maxim in MAXIMS])

    def fail(self, trial: Trial) -> None:
        """It came to nothing."""
        self._study.tell(trial.number, state=_optuna().trial.TrialState.FAIL)

    def importances(self, cooperative: Mapping[int, float]) -> dict[str, float]:
        """How much each field matters for the cooperative rate, adding up to 1 (PED-ANOVA, arXiv
        2304.10255); empty where there are too few trials to say.

        Args:
            cooperative: the rate of each trial, by its number.
        """
        optuna = _optuna()
        done = self._study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
        rates = {cooperative[trial.number] for trial in done}
        if len(done) < _FEW or len(rates) < 2 or len(self._varied) < 2:
            return {}
        found: dict[str, float] = optuna.importance.get_param_importances(
            self._study,
            evaluator=optuna.importance.PedAnovaImportanceEvaluator(),
            target=lambda trial: -cooperative[trial.number],
        )
        return found

    def _read(self, number: int, params: Mapping[str, Any]) -> Trial:
        return Trial(number, tuple(each.override(params[each.name]) for each in self._varied))


def _suggest(trial: "optuna.Trial", varied: Varied) -> None:
    if not isinstance(varied, Range):
        trial.suggest_categorical(varied.name, varied.values)
    elif varied.is_whole:
        trial.suggest_int(varied.name, int(varied.low), int(varied.high), log=varied.is_log)
    else:
        trial.suggest_float(varied.name, varied.low, varied.high, log=varied.is_log)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise InputError(
            "a sweep needs the package optuna: pip install 'grice-studio[sweep]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
