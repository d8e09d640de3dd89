"""What an export can be: its form, how its weights are written, what goes along; known without torch."""

from typing import Literal, get_args

from grice_core.errors import InputError

Form = Literal["adapter", "merged", "gguf"]
WeightDtype = Literal["fp32", "bf16", "fp16", "q8_0"]
"""In which format a whole model's weights are written."""
Companion = Literal["data", "evaluation"]

FORMS: tuple[Form, ...] = get_args(Form)
DTYPES: tuple[WeightDtype, ...] = get_args(WeightDtype)
COMPANIONS: tuple[Companion, ...] = get_args(Companion)


def dtypes_of(form: Form) -> tuple[WeightDtype, ...]:
    """The formats in which weights of a form can be written, the usual one first."""
    if form == "adapter":
        return ("fp32",)
    return DTYPES if form == "gguf" else tuple(each for each in DTYPES if each != "q8_0")


def check_dtype(form: Form, dtype: WeightDtype) -> None:
    """Raises: InputError, if weights of the form can't be written so."""
    if dtype in dtypes_of(form):
        return
    if form == "adapter":
        raise InputError("an adapter is written in fp32, as it was trained: leave --dtype out")
    raise InputError(f"{dtype} is a format of GGUF: choose fp32, bf16 or fp16 for a merged model")
