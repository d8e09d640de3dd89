"""Load libraries without the garbage collector searching them again and again.

torch and transformers make half a million objects, nearly all of which stay. Collecting garbage while
they load takes a sixth of the time; later, each full collection would search all of them.
"""

import gc

_USUAL = gc.get_threshold()
_RARE = (100_000, *_USUAL[1:])


def begin_loading() -> None:
    """Collect garbage rarely until `end_loading`, or to the end of a short command."""
    gc.set_threshold(*_RARE)


def end_loading() -> None:
    """Exempt what is loaded by now from later collections, which become as frequent as usual."""
    gc.freeze()
    gc.set_threshold(*_USUAL)
