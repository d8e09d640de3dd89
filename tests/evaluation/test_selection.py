from dataclasses import replace

import pytest

from grice_core.data.load import Prompts
from grice_core.data.messages import Conversation
from grice_core.errors import DataError
from grice_core.evaluation.selection import (
    LeakagePolicy,
    NoPromptsError,
    PromptSelection,
    left_out_of_training,
    near_asked,
    select_prompts,
)
from grice_core.recipes.config import NumPrompts


def select(
    prompts: list[str],
    training: list[str],
    policy: LeakagePolicy = "drop-eval",
    num_prompts: NumPrompts = 100,
    seed: int = 0,
) -> PromptSelection:
    return select_prompts(
        Prompts.of_texts(prompts), training, policy=policy, num_prompts=num_prompts, seed=seed
    )


def test_leaking_prompts_are_left_out_and_counted() -> None:
    # Six rows, four distinct prompts; a (twice) and b are trained on.
    selection = select(["a", "b", "a", "c", "d", "c"], ["a", "b", "e"])

    assert sorted(selection.prompts) == ["c", "d"]
    assert selection.counts() == {
        "policy": "drop-eval",
        "rows": 6,
        "distinct": 4,
        "leaking_rows": 3,
        "left_out": 2,
        "used": 2,
    }


def test_prompts_are_held_out_of_the_training_data_by_prompt() -> None:
    training = [f"prompt {i % 10}" for i in range(30)]  # three pairs of each prompt

    selection = select(training, training, "hold-out", num_prompts=4)
    lost = left_out_of_training(training, training, selection)

    assert len(selection.prompts) == 4
    assert lost.sum() == 12
    assert {training[i] for i in lost.nonzero()[0]} == set(selection.prompts)


@pytest.mark.parametrize(
    ("num_training", "held_out"), [(5_000, 300), (1_200, 240), (400, 100), (120, 60)]
)
def test_where_no_number_is_named_training_keeps_four_fifths(
    num_training: int, held_out: int
) -> None:
    training = [f"prompt {i}" for i in range(num_training)]
    selection = select(training, training, "hold-out", num_prompts="auto")
    assert len(selection.prompts) == held_out
    assert selection.num_available == num_training // 2  # which a named number may have


def test_where_no_number_is_named_three_hundred_are_asked_if_there_are_as_many() -> None:
    many = [f"prompt {i}" for i in range(350)]
    assert len(select(many, [], num_prompts="auto").prompts) == 300
    assert len(select(many[:20], [], num_prompts="auto").prompts) == 20
    assert select(many, [], num_prompts=5).num_available == 350


def test_at_most_half_of_the_training_prompts_are_held_out() -> None:
    training = [f"prompt {i}" for i in range(7)]

    assert len(select(training, training, "hold-out").prompts) == 3
    apart = [*training, *(f"other {i}" for i in range(20))]
    assert len(select(apart, training, "hold-out").prompts) == 20 + 3


def test_one_prompt_is_too_few_to_hold_any_out() -> None:
    with pytest.raises(NoPromptsError, match="fewer than two distinct prompts"):
        select(["a", "a"], ["a", "a"], "hold-out")


@pytest.mark.parametrize(("policy", "lost"), [("drop-train", 2), ("drop-eval", 0), ("keep", 0)])
def test_what_training_loses_is_the_policys(policy: LeakagePolicy, lost: int) -> None:
    training = ["a", "b", "c"]
    selection = select(["a", "b", "new"], training, policy, num_prompts=1)
    assert left_out_of_training(training, ["a", "b", "new"], selection).sum() == lost


@pytest.mark.parametrize("policy", ["drop-train", "keep"])
def test_other_policies_keep_leaking_prompts_but_count_them(policy: LeakagePolicy) -> None:
    selection = select(["a", "b", "a"], ["a"], policy)

    assert sorted(selection.prompts) == ["a", "b"]
    assert (selection.num_leaking_rows, selection.num_left_out) == (2, 0)


def test_the_choice_does_not_depend_on_the_order_of_the_file() -> None:
    prompts = [f"prompt {i}" for i in range(50)]

    assert select(prompts, [], num_prompts=10) == select(prompts[::-1], [], num_prompts=10)


def test_more_prompts_add_to_the_fewer() -> None:
    prompts = [f"prompt {i}" for i in range(50)]

    few, many = (select(prompts, [], num_prompts=n).prompts for n in (10, 20))

    assert many[:10] == few


def test_another_seed_chooses_others() -> None:
    prompts = [f"prompt {i}" for i in range(50)]

    assert (
        select(prompts, [], num_prompts=10).prompts
        != select(prompts, [], num_prompts=10, seed=1).prompts
    )


def test_fewer_prompts_than_asked_for_are_all_used() -> None:
    assert len(select(["a", "b"], [], num_prompts=100).prompts) == 2


def test_nothing_left_is_refused_with_a_way_out() -> None:
    with pytest.raises(DataError, match=r"each of the 2 evaluation rows.*--leakage"):
        select(["a", "a"], ["a"])
    with pytest.raises(DataError, match="no usable prompt"):
        select([], ["a"])


def test_each_prompt_keeps_its_messages_and_tools() -> None:
    asked = {"role": "user", "content": "When?"}
    tool = {"type": "function", "function": {"name": "find"}}
    texts = ["a", "b", "When?", "a", "c"]
    conversation = Conversation((asked,), (), (), (tool,))
    prompts = Prompts.of(texts, [None, None, conversation, None, None])

    selection = select_prompts(prompts, ["b"], policy="drop-eval", num_prompts=9, seed=0)

    place = selection.prompts.index("When?")
    assert set(selection.prompts) == {"a", "c", "When?"}
    assert selection.messages == tuple((asked,) if i == place else None for i in range(3))
    assert selection.tools == tuple((tool,) if i == place else () for i in range(3))
    assert selection.first(place + 1).messages == selection.messages[: place + 1]
    assert len(selection.first(1).tools) == len(selection.first(1).prompts) == 1


WORDS = [f"word{number}" for number in range(40)]
SAME, OTHER = " ".join(WORDS), " ".join([*WORDS[:20], "other", *WORDS[21:]])  # 0.85 similar


def test_near_duplicates_count_as_the_same_prompt_where_that_is_asked_for() -> None:
    prompts, training = Prompts.of_texts([OTHER, "new"]), [SAME, "old"]

    def chosen(policy: LeakagePolicy, similarity: float) -> PromptSelection:
        return select_prompts(
            prompts, training, policy=policy, num_prompts=9, seed=0, similarity=similarity
        )

    assert set(chosen("drop-eval", 1).prompts) == {OTHER, "new"}
    assert chosen("drop-eval", 0.8).prompts == ("new",)
    assert chosen("drop-eval", 0.8).num_leaking_rows == 1
    assert set(chosen("drop-eval", 0.9).prompts) == {OTHER, "new"}
    kept = chosen("drop-train", 0.8)
    assert left_out_of_training(training, prompts.prompts, kept).tolist() == [True, False]
    assert not left_out_of_training(training, prompts.prompts, chosen("drop-train", 1)).any()


def test_what_is_held_out_takes_its_near_duplicates_along() -> None:
    training = [SAME, OTHER, "some other", "and another"]
    selection = select_prompts(
        Prompts.of_texts(training),
        training,
        policy="hold-out",
        num_prompts=9,
        seed=0,
        similarity=0.8,
    )

    lost = left_out_of_training(training, training, selection)

    assert len(selection.prompts) == 2
    assert lost[0] == lost[1]


def test_near_duplicates_that_are_asked_are_counted_and_warned_of() -> None:
    selection = select([OTHER, "new"], ["old"])
    near = near_asked(selection.prompts, ["old", SAME])
    found = replace(selection, near=near)

    assert (near.count, near.prompt, near.training_prompt) == (1, OTHER, SAME)
    assert found.counts()["near_duplicates"] == 1
    assert found.warnings == (
        "1 of the 2 evaluation prompts nearly stand in the training data (similarity 0.8 or more, at "
        "most 0.85): gains there may be memorised.",
    )
    assert replace(selection, near=near_asked(["new"], ["old"])).warnings == ()
