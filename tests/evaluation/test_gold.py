"""Labels of answers, from files, and where they belong."""

import numpy as np
import pytest

from grice_core.errors import DataError
from grice_core.evaluation.gold import GoldLabels, Judgement, read_gold
from grice_core.maxims import MAXIMS, Maxim
from tests.evaluation.judged import judged

WIDE = "prompt,response,quantity,quality,relation,manner\n"
LONG = "prompt,response,model,maxim,by_person,by_detector\n"


def file_of(folder, text):
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_row_per_answer_is_read(tmp_path):
    path = file_of(tmp_path, WIDE + 'p,"a, b",1,no,0,TRUE\np,c,0,0,0,0\n')
    first, second = read_gold(path).judgements
    assert first == Judgement("p", "a, b", frozenset({Maxim.QUANTITY, Maxim.MANNER}))
    assert not second.violated


def test_what_the_compare_page_lets_one_download_is_read(tmp_path):
    rows = "".join(f"p,a,stage1,{maxim},{int(maxim is Maxim.MANNER)},\n" for maxim in MAXIMS)
    path = file_of(tmp_path, LONG + rows + rows)
    assert [one.violated for one in read_gold(path).judgements] == [frozenset({Maxim.MANNER})] * 2


def test_persons_are_told_apart_where_the_file_names_them(tmp_path):
    rows = "".join(
        f"p,a,{maxim},{violated},{person},0.5\n"
        for maxim in MAXIMS
        for person, violated in (("ann", 1), ("bob", 0))
    )
    labels = read_gold(file_of(tmp_path, "prompt,response,maxim,by_person,person,chance\n" + rows))
    assert labels.persons == ["ann", "bob"]
    assert {(one.person, len(one.violated), one.chance) for one in labels.judgements} == {
        ("ann", 4, 0.5),
        ("bob", 0, 0.5),
    }
    model = judged("m", ["-"], prompts=["p"])
    of_bob = GoldLabels([Judgement("p", "m 0", frozenset(), person="bob")]).of_person
    assert of_bob("bob", model, ["p"])[0, 0].tolist() == [0, 0, 0, 0, 1]
    assert np.isnan(of_bob("ann", model, ["p"])).all()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("prompt,answer\na,b\n", "gold labels need the columns prompt, response"),
        ("", "it has none"),
        (WIDE + "p,a,1,maybe,0,0\n", r"row 2: quality must be 1 \(violated\) or 0, not 'maybe'"),
        (WIDE + "p,a,1\n", "row 2: quality must be 1"),
        (LONG + "p,a,m,manner,1,\n", "'a' has no label for quantity, quality, relation"),
        (LONG + "p,a,m,tact,1,\n", "row 2: 'tact' is no maxim"),
        (LONG + "p,a,m,manner,1,\np,a,m,manner,1,\n", "row 3: manner comes again"),
        (WIDE.strip() + ",chance\np,a,0,0,0,0,1.5\n", "row 2: chance must be above 0"),
    ],
)
def test_a_file_that_is_not_complete_is_refused_with_its_row(tmp_path, text, says):
    with pytest.raises(DataError, match=says):
        read_gold(file_of(tmp_path, text))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="can't be read"):
        read_gold(tmp_path / "none.csv")


def test_labels_belong_to_the_answers_with_their_very_texts():
    model = judged("stage1", ["-", "m", "q"])
    labels = GoldLabels(
        [
            Judgement("prompt 1", "stage1 1", frozenset({Maxim.MANNER}), chance=0.5),
            Judgement("prompt 1", "stage1 1", frozenset()),  # another person
            Judgement("prompt 2", "stage1 1", frozenset()),  # another prompt
        ]
    )
    outcomes, chances = labels.of(model, model.prompts)
    assert np.isnan(outcomes[[0, 2]]).all()
    assert outcomes[1, 0].tolist() == [0, 0, 0, 0.5, 0.5]
    assert chances.tolist() == [[1], [0.5], [1]]
    assert labels.num_matched([model]) == 2
