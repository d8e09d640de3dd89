"""A data set against the prompts that it will be evaluated on."""

from grice_core.data import problems
from grice_core.data.leakage import leaking, near_leaks
from grice_core.data.load import LoadedPairs, Prompts
from grice_core.data.near_duplicates import NEAR
from grice_core.data.pairs import PairTable
from grice_core.data.report import Problem, ValidationReport
from grice_core.progress import Progress, silent


def find_leakage(table: PairTable, evaluation: Prompts, name: str, evaluation_name: str) -> Problem:
    """The evaluation prompts that are also trained on; the rows are those of the evaluation file.

    `name` and `evaluation_name` are what the two files are called.
    """
    leaks = leaking(evaluation.prompts, table.prompts)
    num_pairs = int(leaking(table.prompts, evaluation.prompts).sum())
    message = (
        f"{leaks.sum():,} of the {len(leaks):,} rows of {evaluation_name} have a prompt that also "
        f"stands in {name}, in {num_pairs:,} of its pairs (the rows are those of {evaluation_name})"
    )
    return problems.prompt_in_evaluation(message).at(evaluation.rows[leaks])


def find_near_leakage(
    table: PairTable,
    evaluation: Prompts,
    name: str,
    evaluation_name: str,
    at_least: float = NEAR,
    progress: Progress = silent,
) -> Problem:
    """The evaluation prompts that are nearly trained on; the rows are those of the evaluation file."""
    found = near_leaks(evaluation.prompts, table.prompts, progress)
    near = found.of_evaluation(at_least)
    example = ""
    if near.any():
        row = int(found.most_similar()[0])
        other = int(found.evaluation.other[row])
        example = (
            f"; the most similar, {found.evaluation.similarity[row]:.2f}: row {evaluation.rows[row]:,} "
            f"and row {table.rows[other]:,} of {name}"
        )
    message = (
        f"{near.sum():,} of the {len(near):,} rows of {evaluation_name} have a prompt that is nearly, "
        f"not exactly, one of {name} (similarity {at_least:g} or more; the rows are those of "
        f"{evaluation_name}){example}"
    )
    return problems.prompt_nearly_in_evaluation(message).at(evaluation.rows[near])


def check_pairs(pairs: LoadedPairs, prompts: Prompts | None = None) -> ValidationReport:
    """What `grice check` reports: errors and warnings about the pairs, and, given evaluation prompts,
    those that stand in both files, as they are or nearly."""
    if prompts is None:
        return pairs.report
    names = "the pairs", "the evaluation prompts"
    found = [find(pairs.table, prompts, *names) for find in (find_leakage, find_near_leakage)]
    return pairs.report.with_problems(found)
