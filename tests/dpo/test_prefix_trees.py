from grice_core.dpo.encode import EncodedPair
from grice_core.dpo.prefix_trees import Tree, micro_batches, separate_trees, shared_trees

P, Q = (1, 2, 3), (4,)
A, B, C = (5, 0), (6, 6, 0), (7, 0)


def pairs(*triples):
    return [EncodedPair(row, *triple) for row, triple in enumerate(triples, 1)]


def test_pairs_of_one_prompt_share_it_and_their_common_responses():
    trees = shared_trees(pairs((P, A, B), (Q, A, B), (P, A, C)))
    assert trees == [Tree(P, (A, B, C)), Tree(Q, (A, B))]
    assert [tree.num_tokens for tree in trees] == [3 + 2 + 3 + 2, 1 + 2 + 3]


def test_separate_trees_have_one_response_each():
    trees = separate_trees(pairs((P, A, B), (P, A, C)))
    assert trees == [Tree(P, (A,)), Tree(P, (B,)), Tree(P, (C,))]


def test_equal_responses_of_a_pair_are_one_branch():
    assert shared_trees(pairs((P, A, A))) == [Tree(P, (A,))]


def test_groups_stay_within_the_budget_and_hold_each_pair_once():
    some = pairs((P, A, B), (Q, A, B), (P, A, C), (Q, B, C))
    groups = micro_batches(some, token_budget=18)
    # By prompt: q → a b c has 8 tokens, then p → a b has 8 (16 in all), and c would make it 18.
    assert groups == [[1, 3, 0, 2]]
    assert micro_batches(some, token_budget=17) == [[1, 3, 0], [2]]
    assert micro_batches(some, token_budget=16) == [[1, 3, 0], [2]]
    assert micro_batches(some, token_budget=15) == [[1, 3], [0, 2]]


def test_a_pair_above_the_budget_stands_alone():
    assert micro_batches(pairs((P, A, B), (P, A, C)), token_budget=1) == [[0], [1]]


def test_no_pairs_make_no_groups():
    assert micro_batches([], token_budget=10) == []


def test_what_all_responses_begin_with_belongs_to_the_trunk():
    tree = Tree(P, ((8, 9, 5, 0), (8, 9, 6, 6, 0), (8, 9, 0)))
    assert tree.trunk == (*P, 8, 9)
    assert tree.branches == ((5, 0), (6, 6, 0), (0,))
    assert tree.num_tokens == 5 + 2 + 3 + 1


def test_each_response_keeps_a_token_of_its_own():
    assert Tree(P, ((8, 0), (8, 0, 0))).branches == ((0,), (0, 0))
    assert Tree(P, ((8, 0),)).branches == ((0,),)
    assert Tree(P, ((0,), (0, 8, 0))).num_common == 0
