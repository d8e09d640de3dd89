"""What a launch asks of judges that are language models, before it is asked."""

from collections.abc import Iterator, Sequence

import streamlit as st

from app.state.launch_plan import LaunchPlan
from app.state.session import open_data
from grice_core.detector.llm.detector import open_chat_detector
from grice_core.detector.llm.estimate import judging_sentence, texts_like_answers
from grice_core.detector.record import DetectorRecord
from grice_core.store.tables import DataSet, Detector
from worker.client import PipelineRequest


def judging(requests: Sequence[PipelineRequest], plans: Sequence[LaunchPlan]) -> Iterator[str]:
    """A sentence about each judge that is one, all pipelines together."""
    if not plans:
        return
    rounds = [each for planned in plans for each in planned.rounds]
    sampled, asked = sum(one.num_answers for one in rounds), sum(one.num_asked for one in rounds)
    num_evaluated = sum(planned.num_evaluated for planned in plans)
    first = requests[0]
    for judge, num_of_rounds in ((first.detector, sampled), (first.second_judge, asked)):
        if not isinstance(judge, Detector) or not isinstance(first.data, DataSet):
            continue
        if judge.card.get("endpoint"):  # a language model
            record, sha256 = DetectorRecord.model_validate(judge.card), first.data.artifact_sha256
            yield _sentence(record.fingerprint, sha256, num_of_rounds, num_evaluated, record)


@st.cache_data(max_entries=50, ttl=60, show_spinner=False)
def _sentence(
    fingerprint: str,  # noqa: ARG001 - tells records apart
    artifact_sha256: str,
    num_of_rounds: int,
    num_evaluated: int,
    _record: DetectorRecord,
) -> str:
    like = texts_like_answers(open_data(artifact_sha256).table)
    return judging_sentence(open_chat_detector(_record), like, num_of_rounds, num_evaluated)
