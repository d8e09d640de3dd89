"""Layouts of two responses, and a field that tells which one is better."""

from typing import Any

from grice_core.data.layouts.base import Found, Row, Sample, number
from grice_core.data.layouts.conversion import RowLayout


class HelpSteer3(RowLayout):
    """NVIDIA's HelpSteer3: a conversation and two responses, compared from −3 to 3."""

    name = "helpsteer3"
    title = "HelpSteer3 preference"
    source = "https://huggingface.co/datasets/nvidia/HelpSteer3"
    moves = ("context", "response1", "response2")
    reads = ("overall_preference",)
    opens = ("context",)

    def recognises(self, sample: Sample) -> bool:
        """Its four fields."""
        return sample.has(*self.moves, *self.reads)

    def found(self, row: Row) -> Found:
        """Below 0 the first response is better, above 0 the second; 0 is a tie."""
        preference = number(row.get("overall_preference"))
        responses = row.get("response1"), row.get("response2")
        return Found.preferring(row.get("context"), *responses, preference)


class HelpSteer2Preference(RowLayout):
    """The preferences of NVIDIA's HelpSteer2, from −3 to 3."""

    name = "helpsteer2-preference"
    title = "HelpSteer2 preference"
    source = "https://huggingface.co/datasets/nvidia/HelpSteer2"
    moves = ("prompt", "response_1", "response_2")
    reads = ("preference_strength",)

    def recognises(self, sample: Sample) -> bool:
        """Its four fields."""
        return sample.has(*self.moves, *self.reads)

    def found(self, row: Row) -> Found:
        """Below 0 the first response is better, above 0 the second; 0 is a tie."""
        preference = number(row.get("preference_strength"))
        responses = row.get("response_1"), row.get("response_2")
        return Found.preferring(row.get("prompt"), *responses, preference)


class SafeRLHFBetter(RowLayout):
    """PKU-SafeRLHF by what is more helpful."""

    name = "pku-better"
    title = "PKU-SafeRLHF, the more helpful response chosen"
    source = "https://huggingface.co/datasets/PKU-Alignment/PKU-SafeRLHF"
    moves = ("prompt", "response_0", "response_1")
    reads = ("better_response_id",)

    def recognises(self, sample: Sample) -> bool:
        """Two responses and the number of one of them."""
        return sample.has(*self.moves, *self.reads)

    def found(self, row: Row) -> Found:
        """The response of this number is chosen."""
        better = number(row.get(self.reads[0]))
        preference = {0.0: -1.0, 1.0: 1.0}.get(better) if better is not None else None
        return Found.preferring(
            row.get("prompt"), row.get("response_0"), row.get("response_1"), preference
        )


class SafeRLHFSafer(SafeRLHFBetter):
    """PKU-SafeRLHF by what is safer."""

    name = "pku-safer"
    title = "PKU-SafeRLHF, the safer response chosen"
    reads = ("safer_response_id",)


class SHP(RowLayout):
    """Stanford Human Preferences: a post and two comments."""

    name = "shp"
    title = "Stanford Human Preferences (SHP)"
    source = "https://huggingface.co/datasets/stanfordnlp/SHP"
    moves = ("history", "human_ref_A", "human_ref_B")
    reads = ("labels",)

    def recognises(self, sample: Sample) -> bool:
        """Its four fields."""
        return sample.has(*self.moves, *self.reads)

    def found(self, row: Row) -> Found:
        """Label 1 prefers comment A, 0 comment B."""
        label = number(row.get("labels"))
        preference = {1.0: -1.0, 0.0: 1.0}.get(label) if label is not None else None
        return Found.preferring(
            row.get("history"), row.get("human_ref_A"), row.get("human_ref_B"), preference
        )


_WINS = {
    **dict.fromkeys(("model_a", "response_a", "a"), -1.0),
    **dict.fromkeys(("model_b", "response_b", "b"), 1.0),
}


def _preference(winner: Any) -> float | None:
    """Which side won; `None` if neither did."""
    return _WINS.get(winner.strip().lower()) if isinstance(winner, str) else None


def _names_winners(sample: Sample) -> bool:
    return any(_preference(winner) is not None for winner in sample.values("winner"))


class Arena(RowLayout):
    """Votes of Chatbot Arena, and MT-Bench's human judgments: two conversations and a winner."""

    name = "arena"
    title = "Chatbot Arena conversations"
    source = "https://huggingface.co/datasets/lmsys/chatbot_arena_conversations"
    moves = ("conversation_a", "conversation_b")
    reads = ("winner",)
    opens = moves

    def recognises(self, sample: Sample) -> bool:
        """Both conversations and the winner."""
        return sample.has(*self.moves) and _names_winners(sample)

    def found(self, row: Row) -> Found:
        """The winner's conversation is chosen; what both begin with is the prompt."""
        preference = _preference(row.get("winner"))
        conversations = row.get("conversation_a"), row.get("conversation_b")
        found = Found.preferring(None, *conversations, preference)
        return Found(_asked_first(conversations[0]), is_tie=True) if found.is_tie else found


class ArenaColumns(RowLayout):
    """Chatbot Arena's votes as a table: lists of turns, and a column per outcome."""

    name = "arena-columns"
    title = "Chatbot Arena votes (winner_model_a, winner_model_b)"
    source = "https://huggingface.co/datasets/lmsys/lmsys-arena-human-preference-55k"
    moves = ("prompt", "response_a", "response_b")
    reads = ("winner_model_a", "winner_model_b", "winner")
    opens = moves

    def recognises(self, sample: Sample) -> bool:
        """A prompt, both responses and who won."""
        has_winner = sample.has("winner_model_a", "winner_model_b") or _names_winners(sample)
        return has_winner and sample.has(*self.moves)

    def found(self, row: Row) -> Found:
        """The winner's turns are chosen; a conversation of one turn is text."""
        won = {side: number(row.get(f"winner_model_{side}")) for side in "ab"}
        preference = _preference(row.get("winner")) or (won["b"] or 0) - (won["a"] or 0)
        asked, first, second = (row.get(name) for name in self.moves)
        if not isinstance(asked, list):
            return Found.preferring(asked, first, second, preference)
        if len(asked) == 1:
            return Found.preferring(asked[0], _only(first), _only(second), preference)
        if preference == 0:
            return Found(asked[0], is_tie=True)
        chats = _interleaved(asked, first), _interleaved(asked, second)
        return Found.preferring(None, *chats, preference)


def _asked_first(conversation: Any) -> Any:
    """The turns before the first answer."""
    turns = conversation if isinstance(conversation, list) else []
    place = next(
        (
            n
            for n, turn in enumerate(turns)
            if isinstance(turn, dict) and turn.get("role") == "assistant"
        ),
        len(turns),
    )
    return turns[:place]


def _only(turns: Any) -> Any:
    return turns[0] if isinstance(turns, list) and len(turns) == 1 else turns


def _interleaved(asked: list[Any], answers: Any) -> Any:
    """Questions and answers in turn, as messages."""
    if not isinstance(answers, list):
        return answers
    return [
        {"role": role, "content": said or ""}
        for turn in zip(asked, answers, strict=False)
        for role, said in zip(("user", "assistant"), turn, strict=True)
    ]
