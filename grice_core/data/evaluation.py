"""A data set against the prompts that it will be evaluated on."""

from grice_core.data import problems
from grice_core.data.leakage import leaking
from grice_core.data.load import Prompts
from grice_core.data.pairs import PairTable
from grice_core.data.report import Problem


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
