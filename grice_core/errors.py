"""Everything that can go wrong and has a sentence for it.

GriceError
├── InputError              something the user gave can't be used (exit code 2)
│   ├── DataError           a data file
│   ├── RecipeError         a recipe or an override of one
│   ├── ModelError          a base model, an adapter, a tokenizer
│   ├── DetectorError       a detector folder or checkpoint
│   └── OutputError         the place to write to
├── PreflightError          training would not mean what it claims (exit code 2)
├── TrainingError           training went wrong: NaN, out of memory (exit code 1)
└── InterruptedRunError     stopped on request; what is on disk can go on (exit code 130)

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


class PreflightError(GriceError):
    """Training was refused, since it would not mean what it claims."""

    exit_code = 2


class TrainingError(GriceError):
    """Training went wrong."""


class InterruptedRunError(GriceError):
    """A run was stopped on request; what is on disk can go on."""

    exit_code = 130
