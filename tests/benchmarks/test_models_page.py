from benchmarks.models.outcome import Outcome, Task
from benchmarks.models.page import models_page

VERSIONS = {"transformers": "5.0", "torch": "2.0+cpu", "peft": "0.1"}


def both(name, result, why="", share=1.0, left_out=""):
    return [Outcome(name, p, result, why, share, left_out) for p in ("fp32", "bf16")]


def page(*outcomes):
    return models_page(outcomes, VERSIONS)


def rows(text):
    return [line for line in text.splitlines() if line.startswith("| `")]


def test_a_type_has_one_row_with_both_precisions():
    text = page(*both("llama", "shared", share=0.987, left_out="routers"))
    assert rows(text) == [
        "| `llama` | exact, shared | exact, shared | 98.7 % | left out: routers |"
    ]
    assert "transformers 5.0" in text
    assert "torch 2.0 " in text


def test_types_stand_with_the_worse_of_their_results_in_order_of_their_names():
    mixed = [
        Outcome("b", "fp32", "shared", "", 1.0, ""),
        Outcome("b", "bf16", "refused", "it is not causal", None, ""),
    ]
    text = page(*both("c", "refused", "no logits", None), *mixed, *both("a", "separate"))
    separate, refused = text.index("## Exact, with separate"), text.index("## Refused")
    assert separate < text.index("`a`") < refused < text.index("`b`") < text.index("`c`")
    assert "| `b` | exact, shared | refused | 100.0 % / – | bf16: it is not causal |" in text
    assert "## Exact, with shared" not in text


def test_reasons_that_differ_in_a_measured_figure_only_stand_once():
    text = page(
        Outcome("a", "fp32", "separate", "shared ones are off by 3.1e-02", 1.0, ""),
        Outcome("a", "bf16", "separate", "shared ones are off by 2.9e-02", 1.0, ""),
    )
    assert rows(text)[0].endswith("| shared ones are off by 3.1e-02 |")


def test_counts_add_up_to_all_types():
    text = page(*both("a", "shared"), *both("b", "shared"), *both("c", "refused"))
    assert "| 3 types | exact, shared | refused |" in text
    assert "| fp32 | 2 | 1 |" in text


def test_a_failure_is_seen_and_explained_and_absent_where_there_is_none():
    failed = [Outcome.failure(Task("a", p), "a | b\nc") for p in ("fp32", "bf16")]
    text = page(*failed)
    assert "## Failed" in text
    assert rows(text) == ["| `a` | **failed** | **failed** | – | failed: a \\| b c |"]
    assert "failed" not in page(*both("a", "shared")).lower()
