"""Everything that can go wrong and has a sentence for it.

GriceError
├── InputError              something the user gave can't be used (exit code 2)
│   ├── DataError           a data file
│   ├── RecipeError         a recipe or an override of one
│   ├── ModelError          a base model, an adapter, a tokenizer
│   ├── DetectorError       a detector folder or checkpoint
│   ├── OutputError         the place to write to
│   └── NotFoundError       a run, pipeline, data set … that the store doesn't have
├── StoreError              the database or the artifact store can't be used (exit code 1)
│   ├── TransitionError     a run can't go from its state to the one asked for
│   ├── StaleOwnerError     a run belongs to another worker by now; anyone who sees this must stop
│   └── ArtifactError       an artifact is missing or damaged
├── NotAllowedError         the one who asks may not do that (exit code 1)
├── PreflightError          training would not mean what it claims (exit code 2)
├── TrainingError           training went wrong: NaN, out of memory (exit code 1)
│   └── LostProcessError    one of several processes ended; checkpoints can continue
└── InterruptedRunError     stopped on request; what is on disk can continue (exit code 130)

A message is one or two sentences: what is wrong (file, row or key, value), then what to do.
"""


class GriceError(Exception):
    """Base of all errors whose message is meant for the user."""

    exit_code = 1


class InputError(GriceError):
    """Something the user gave can't be used."""

    exit_code = 2


class DataError(InputError):
    """A data file can't be used."""


class RecipeError(InputError):
    """A recipe or an override of one can't be used."""


class ModelError(InputError):
    """A base model, adapter or tokenizer can't be used."""


class DetectorError(InputError):
    """A detector folder or checkpoint can't be used."""


class OutputError(InputError):
    """The place to write to can't be used."""


class NotFoundError(InputError):
    """The store doesn't have what was asked for."""


class StoreError(GriceError):
    """The database or the artifact store can't be used."""


class TransitionError(StoreError):
    """A run can't go from its state to the one asked for."""


class StaleOwnerError(StoreError):
    """A run belongs to another worker by now; nothing was written."""


class ArtifactError(StoreError):
    """An artifact is missing or damaged."""


class NotAllowedError(GriceError):
    """The one who asks may not do that; nothing was changed."""


class PreflightError(GriceError):
    """Training was refused, since it would not mean what it claims."""

    exit_code = 2


class TrainingError(GriceError):
    """Training went wrong."""


class LostProcessError(TrainingError):
    """One of the processes that train together has ended."""

    def __init__(self, how: str) -> None:
        super().__init__(f"{how}. --resume continues from the last checkpoint")
        self.how = how
        """Which one, and how, where that is known."""


class InterruptedRunError(GriceError):
    """A run was stopped on request; what is on disk can continue."""

    exit_code = 130
