import numpy as np

from grice_core.evaluation.pareto import pareto_front


def test_the_front_by_hand() -> None:
    rates = np.array([[0.1, 0.4], [0.4, 0.1], [0.2, 0.2], [0.3, 0.3], [0.1, 0.5]])
    # (0.3, 0.3) is beaten by (0.2, 0.2), (0.1, 0.5) by (0.1, 0.4).
    assert pareto_front(rates).tolist() == [True, True, True, False, False]


def test_equal_models_do_not_beat_each_other() -> None:
    assert pareto_front(np.array([[0.2, 0.2], [0.2, 0.2]])).tolist() == [True, True]


def test_whoever_is_best_on_one_measure_alone_is_on_the_front() -> None:
    rates = np.random.default_rng(0).random((50, 4))
    front = pareto_front(rates)
    assert front[rates.argmin(axis=0)].all()
    # Each that is not on it is beaten by one that is.
    for beaten in rates[~front]:
        assert (rates[front] <= beaten).all(axis=1).any()
