"""The trials of a search, chosen by Optuna.

Optuna keeps nothing: before each question its study is built anew from the trials so far, with a seed
that depends on the trial's number. So the same history gives the same next trial, wherever it is asked for and
however often they were killed before. (Its own tables in our database would share `alembic_version`
with ours: Optuna 5.0.0, `optuna/storages/_rdb/storage.py`.)
"""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from grice_core.errors import InputError
from grice_core.evaluation.violations import COOPERATIVE
from grice_core.maxims import MAXIMS
from grice_core.sweep.search import Entry, Params, Search
from grice_core.sweep.space import Range, Varied

if TYPE_CHECKING:
    from optuna import Study, Trial

_FEW = 10
"""Trials below which nothing is said of what matters most."""
_TRIES = 20
"""Draws until a recipe comes that was not tried yet."""


def propose(search: Search, trials: Sequence[Entry]) -> Params | None:
    """Values for the next trial, other than those tried before; None where none are found.

    Args:
        trials: all so far, in their order; for those under way the sampler assumes a bad result, so that it
            looks elsewhere.

    Raises:
        InputError: Optuna is not installed.
    """
    tried = {search.overrides(each.member.params) for each in trials}
    for attempt in range(_TRIES):
        study = _study(search, trials, attempt)
        trial = study.ask()
        for each in search.varied:
            _suggest(trial, each)
        if search.overrides(trial.params) not in tried:
            params: Params = trial.params
            return params
    return None


def importances(search: Search, trials: Sequence[Entry]) -> dict[str, float]:
    """How much each field matters for the cooperative rate, adding up to 1 (PED-ANOVA, arXiv 2304.10255);
    empty where there are too few trials to say.

    Raises:
        InputError: Optuna is not installed.
    """
    cooperative = [each.rates[COOPERATIVE]["rate"] for each in trials if each.rates is not None]
    if len(cooperative) < _FEW or len(set(cooperative)) < 2 or len(search.varied) < 2:
        return {}
    done = [each for each in trials if each.rates is not None]
    with warnings.catch_warnings():
        # It says that low targets are what it goes by, which is why the sign is turned.
        warnings.simplefilter("ignore", UserWarning)
        found: dict[str, float] = require_optuna().importance.get_param_importances(
            _study(search, done),
            evaluator=require_optuna().importance.PedAnovaImportanceEvaluator(),
            target=lambda trial: -cooperative[trial.number],
        )
    return found


def require_optuna() -> Any:
    """The package, silenced.

    Raises:
        InputError: it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise InputError(
            "a sweep needs the package optuna: pip install 'grice-studio[sweep]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _study(search: Search, trials: Sequence[Entry], attempt: int = 0) -> "Study":
    optuna = require_optuna()
    seed = np.random.SeedSequence([search.seed, len(trials), attempt]).generate_state(1)
    # The first ones are drawn at random: a model of what is good needs something to go by.
    sampler = optuna.samplers.TPESampler(
        seed=int(seed[0]), n_startup_trials=max(4, search.num_trials // 4), constant_liar=True
    )
    study: Study = optuna.create_study(sampler=sampler, directions=["minimize"] * len(MAXIMS))
    distributions = {each.name: _distribution(each) for each in search.varied}
    for each in trials:
        state, values = _outcome(each)
        study.add_trial(
            optuna.trial.create_trial(
                params=dict(each.member.params),
                distributions=distributions,
                state=state,
                values=values,
            )
        )
    return study


def _outcome(trial: Entry) -> tuple[Any, list[float] | None]:
    states = require_optuna().trial.TrialState
    if trial.rates is not None:
        return states.COMPLETE, [trial.rates[maxim]["rate"] for maxim in MAXIMS]
    return (states.FAIL if trial.failure else states.RUNNING), None


def _distribution(varied: Varied) -> Any:
    distributions = require_optuna().distributions
    if not isinstance(varied, Range):
        return distributions.CategoricalDistribution(varied.values)
    if varied.is_whole:
        return distributions.IntDistribution(int(varied.low), int(varied.high), log=varied.is_log)
    return distributions.FloatDistribution(varied.low, varied.high, log=varied.is_log)


def _suggest(trial: "Trial", varied: Varied) -> None:
    if not isinstance(varied, Range):
        trial.suggest_categorical(varied.name, varied.values)
    elif varied.is_whole:
        trial.suggest_int(varied.name, int(varied.low), int(varied.high), log=varied.is_log)
    else:
        trial.suggest_float(varied.name, varied.low, varied.high, log=varied.is_log)
