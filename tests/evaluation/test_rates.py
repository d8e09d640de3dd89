"""Where rates' intervals hold what they promise."""

from grice_core.evaluation.rates import LEAST_PROMPTS, few_prompts
from tests.evaluation.judged import judged


def test_few_prompts_are_warned_of():
    model = judged("baseline", ["m", "-"] * 10)
    (warning,) = few_prompts([model])
    assert warning.startswith("With 20 prompts, fewer than 100, 95 % intervals of rates near 0")
    assert few_prompts([judged("baseline", ["-"] * LEAST_PROMPTS)]) == []
