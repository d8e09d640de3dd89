"""All layouts, and which of them a file is written in."""

from collections.abc import Sequence

from grice_core.data.layouts.annotated import LabelStudioPairwise
from grice_core.data.layouts.argilla import ArgillaFlattened, ArgillaRecords
from grice_core.data.layouts.base import Found, Layout, Sample
from grice_core.data.layouts.chats import (
    Alpaca,
    AnthropicHH,
    AxolotlQuestion,
    MessagesPreference,
    OpenAIPreference,
    ShareGPT,
)
from grice_core.data.layouts.comparisons import (
    SHP,
    Arena,
    ArenaColumns,
    HelpSteer2Preference,
    HelpSteer3,
    SafeRLHFBetter,
    SafeRLHFSafer,
)
from grice_core.data.layouts.prompts import (
    Chats,
    InspectSamples,
    Instructions,
    LmEvalSamples,
    MTBench,
    OpenAIBatch,
    Questions,
    StandardPrompts,
    Texts,
)
from grice_core.data.layouts.ratings import Distilabel, HelpSteer, Nectar, UltraFeedback
from grice_core.data.layouts.standard import ImplicitText, Standard, UltraFeedbackBinarized
from grice_core.data.layouts.unpaired import KTO
from grice_core.errors import DataError

STANDARD = Standard()
LAYOUTS: tuple[Layout, ...] = (
    UltraFeedbackBinarized(),
    STANDARD,
    AnthropicHH(),
    ImplicitText(),
    OpenAIPreference(),
    Alpaca(),
    ShareGPT(),
    MessagesPreference(),
    AxolotlQuestion(),
    UltraFeedback(),
    Distilabel(),
    Nectar(),
    HelpSteer3(),
    HelpSteer2Preference(),
    HelpSteer(),
    SafeRLHFBetter(),
    SafeRLHFSafer(),
    SHP(),
    Arena(),
    ArenaColumns(),
    ArgillaRecords(),
    ArgillaFlattened(),
    LabelStudioPairwise(),
    KTO(),
    StandardPrompts(),
    Texts(),
    LmEvalSamples(),
    InspectSamples(),
    MTBench(),
    OpenAIBatch(),
    Chats(),
    Instructions(),
    Questions(),
)


def layout_named(name: str) -> Layout:
    """The layout that is called so.

    Raises:
        DataError: there is none; lists those that there are.
    """
    found = next((layout for layout in LAYOUTS if layout.name == name), None)
    if found is None:
        names = ", ".join(layout.name for layout in LAYOUTS)
        raise DataError(f"there is no layout {name!r}; there are: {names}")
    return found


def fitting(sample: Sample, *, for_prompts: bool = False) -> list[Layout]:
    """The layouts that a file may be written in; more than one if these read it differently.

    Files with the standard fields are read by them, whatever else they hold. Where `for_prompts`,
    pairs count for their prompts, and layouts of prompts alone if it is none of pairs.
    """
    found = [layout for layout in LAYOUTS if layout.has_pairs and layout.recognises(sample)]
    if for_prompts:
        found = [layout for layout in found if not layout.refusal]
        found = found or [one for one in LAYOUTS if not one.has_pairs and one.recognises(sample)]
    if any(isinstance(layout, Standard) for layout in found):
        return found[:1]
    by_reading = {
        repr(_told_apart(layout.found_in(sample), for_prompts=for_prompts)): layout
        for layout in reversed(found)
    }
    return list(by_reading.values())[::-1]


def _told_apart(found: Sequence[Found], *, for_prompts: bool) -> list[object]:
    """What it matters that layouts agree on."""
    return [one.prompt for one in found] if for_prompts else list(found)
