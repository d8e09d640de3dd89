from grice_core.data.leakage import distinct, leaking


def test_a_prompt_leaks_if_it_is_trained_on_in_any_spacing() -> None:
    assert leaking(["a  b", "c", "a b"], ["x", "a b "]).tolist() == [True, False, True]


def test_nothing_leaks_into_nothing() -> None:
    assert leaking([], ["a"]).tolist() == []
    assert leaking(["a"], []).tolist() == [False]


def test_distinct_keeps_the_first_of_each_prompt() -> None:
    assert distinct(["b", "a", " b", "a ", "c"]).tolist() == [0, 1, 4]
