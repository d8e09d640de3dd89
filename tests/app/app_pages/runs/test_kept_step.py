"""The candidates of a stage that chose its step."""

from app.app_pages.runs.kept_step import candidate_rows

CHOSEN = {
    "step": 10,
    "candidates": [
        {
            "step": 10,
            "accuracies": {"relation": 0.5, "manner": 0.75},
            "gains": {"relation": 0.0, "manner": 0.2},
            "score": 0.2,
            "lost": [],
            "on_front": True,
        },
        {
            "step": 20,
            "accuracies": {"relation": 0.2, "manner": 0.8},
            "gains": {"relation": -0.4, "manner": 0.3},
            "score": -0.1,
            "lost": ["relation"],
            "on_front": False,
        },
    ],
}


def test_each_candidate_shows_what_it_gained_and_lost() -> None:
    kept, other = candidate_rows(CHOSEN)
    assert [(cell.text, cell.below) for cell in kept] == [
        ("10 ★", "kept"),
        ("+20.0", ""),
        ("50.0 %", "0.0"),
        ("75.0 %", "+20.0"),
    ]
    assert [(cell.text, cell.below) for cell in other] == [
        ("20", "retention lost"),
        ("−10.0", ""),
        ("20.0 %", "−40.0"),
        ("80.0 %", "+30.0"),
    ]
    assert [cell.tone for cell in other] == ["", "", "bad", ""]
