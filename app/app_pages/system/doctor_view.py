"""The doctor's findings: what is out of order and how to fix it first, then what is fine."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import streamlit as st

from app.state.session import studio
from app.text.formatting import count_of, plain_markdown, sentence
from app.ui.allowed import allowed
from app.ui.errors import failures_shown
from grice_core.errors import StoreError
from grice_core.store.actions import require
from grice_core.store.actors import Role

_DOCTOR_S = 120
_FOUND = "doctor's findings"
_MARKS: Final = {"fault": ":red[✗]", "remark": ":orange[!]", "fine": ":green[✓]"}


@dataclass(frozen=True)
class Finding:
    """What `grice doctor --json` says about one part."""

    part: str
    grade: Literal["fine", "remark", "fault"]
    sentence: str
    remedy: str


def doctor_view() -> None:
    """A button that has every part examined, and what was found."""
    st.subheader("Checks", anchor=False)
    st.caption("Checks versions, GPU, disk, database, artifacts, queue, workers and the hub.")
    if st.button("Run checks", icon=":material/stethoscope:", **allowed()):
        with failures_shown(), st.spinner("Running checks …"):
            require(studio().database, Role.MEMBER)
            st.session_state[_FOUND] = _examine()
    if _FOUND in st.session_state:
        _show(st.session_state[_FOUND])


def _show(findings: Sequence[Finding]) -> None:
    st.markdown(f"**{in_one_sentence(findings)}**")
    order = list(_MARKS)
    for finding in sorted(findings, key=lambda each: order.index(each.grade)):
        mark = _MARKS[finding.grade]
        text = plain_markdown(sentence(finding.sentence))
        # The remedy is our own text, whose commands stand between backticks.
        remedy = f"  \n:gray[Fix:] {finding.remedy}." if finding.remedy else ""
        st.markdown(f"{mark} **{plain_markdown(finding.part)}** · {text}{remedy}")


def in_one_sentence(findings: Sequence[Finding]) -> str:
    """How many parts are out of order."""
    faults = sum(finding.grade == "fault" for finding in findings)
    remarks = sum(finding.grade == "remark" for finding in findings)
    if not faults and not remarks:
        return f"All {len(findings)} parts are fine."
    text = [count_of(count, noun) for count, noun in ((faults, "fault"), (remarks, "remark"))]
    there = [words for count, words in zip((faults, remarks), text, strict=True) if count]
    fine = len(findings) - faults - remarks
    return f"{' and '.join(there)}; {fine} of {len(findings)} parts are fine."


def _examine() -> list[Finding]:
    """What the doctor says; a process of its own, since it loads torch.

    Raises:
        StoreError: it does not come to an end.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", "from app.cli import main; main()", "doctor", "--json"],
            capture_output=True,
            text=True,
            timeout=_DOCTOR_S,
            check=False,
        )
        return [Finding(**found) for found in json.loads(done.stdout)]
    except subprocess.TimeoutExpired:
        raise StoreError(
            f"the doctor was not done within {_DOCTOR_S} s; run `grice doctor`"
        ) from None
    except ValueError:
        last = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        raise StoreError(f"the doctor could not look at every part ({last})") from None
