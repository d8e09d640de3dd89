"""Numbers as people read them: a real minus sign, and none before what rounds to zero."""

MINUS = "−"


def number(value: float, digits: int = 2) -> str:
    """A number without sign for plus: `0.30`, `−0.10`."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", MINUS)


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign: `+0.74`, `−0.04`; what rounds to zero has none."""
    rounded = round(value, digits)
    return f"+{number(value, digits)}" if rounded > 0 else number(value, digits)
