"""A small file of labelled texts, for those who want to see its layout."""

import json

EXAMPLE_NAME = "labels-example.json"

_ROWS: tuple[dict[str, object], ...] = (
    {
        "context": "[agent_1]: Where do cats sleep?",
        "evidence": "Cats sleep 12 to 16 hours a day, wherever it is warm.",
        "response": "Wherever it is warm.",
        "labels": {"quantity": 0, "quality": 0, "relation": 0, "manner": 0},
        "dialogue_id": "cats",
    },
    {
        "context": "[agent_1]: Where do cats sleep?",
        "evidence": "Cats sleep 12 to 16 hours a day, wherever it is warm.",
        "response": "In places.",
        "labels": {"quantity": 1, "quality": 0, "relation": 0, "manner": 0},
        "dialogue_id": "cats",
    },
    {
        "context": "[agent_1]: When was the bridge opened?",
        "evidence": "The bridge was opened in 1858.",
        "response": "It was opened in 1901.",
        "labels": {"quantity": 0, "quality": 1, "relation": 0, "manner": 0},
        "dialogue_id": "bridge",
    },
    {
        "context": "[agent_1]: Do you like jazz?",
        "response": "By the way, the bus is late again, it being a bus of which one does say that it is late.",
        "labels": {"quantity": 0, "quality": 0, "relation": 1, "manner": 1},
        "dialogue_id": "jazz",
    },
)


def labels_example() -> str:
    """The file's text: what `load_labels` reads."""
    return json.dumps(list(_ROWS), indent=2, ensure_ascii=False) + "\n"
