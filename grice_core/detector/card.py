"""The model card of a detector's folder: what it is, how far to trust it, how to load it."""

from grice_core.detector.metrics import Estimate, MaximMetrics, Metrics
from grice_core.detector.record import ChatArchitecture, DetectorRecord, HeadsArchitecture
from grice_core.maxims import MAXIMS

_WITH_PACKAGE = """\
from pathlib import Path
import torch
from grice_core.detector.load import load_detector

detector = load_detector(Path("."), torch.device("cpu"))
print(detector.score(["Where do cats sleep?"], ["They sleep where it is warm."]))
"""

_HEADS_ALONE = """\
import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModel, AutoTokenizer

text = {text!r}
weights = load_file("model.safetensors")
encoder = AutoModel.from_config(AutoConfig.from_pretrained(".")).eval()
encoder.load_state_dict({{k[8:]: v for k, v in weights.items() if k[:8] == "encoder."}}, strict=False)
state = encoder(**AutoTokenizer.from_pretrained(".")(text, return_tensors="pt")).last_hidden_state[:, 0]
for head, (maxim, temperature) in enumerate({temperatures}.items()):
    x = state
    for layer in {positions}:  # Linear, GELU, …, Linear
        x = torch.nn.functional.gelu(x) if layer > 1 else x
        x = x @ weights[f"classifiers.{{head}}.{{layer}}.weight"].T + weights[f"classifiers.{{head}}.{{layer}}.bias"]
    print(maxim, torch.sigmoid(x / temperature).item())
"""

_CLASSIFIER_ALONE = """\
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

text = {text!r}
temperatures = {temperatures}
model = AutoModelForSequenceClassification.from_pretrained(".").eval()
logits = model(**AutoTokenizer.from_pretrained(".")(text, return_tensors="pt")).logits[0]
for index, label in model.config.id2label.items():
    print(label, torch.sigmoid(logits[index] / temperatures[label.lower()]).item())
"""

_EXAMPLE = {"context": "Where do cats sleep?", "response": "They sleep where it is warm."}


def model_card(record: DetectorRecord) -> str:
    """The card as Markdown."""
    parts = [
        "# A violation detector for Grice's maxims\n",
        f"It reads a response with what it answers, and gives the probability that the response "
        f"violates each maxim ({', '.join(MAXIMS)}). Made by Grice Studio: {record.origin}.\n",
        _reading(record),
        *(f"> {remark}\n" for remark in record.remarks),
        "## How far to trust it\n",
        _trust(record),
        "## Load it\n",
        _stock(record),
        f"```python\n{_loading_code(record)}```\n",
    ]
    return "\n".join(parts)


def _reading(record: DetectorRecord) -> str:
    architecture = record.architecture
    if isinstance(architecture, ChatArchitecture) and record.endpoint is not None:
        rules = vars(architecture.rubric.maxims).items()
        return (
            f"It is the language model {architecture.model} at {record.endpoint.address}, asked one question "
            "per maxim:\n\n" + "".join(f"- {maxim}: {rule.strip()}\n" for maxim, rule in rules)
        )
    return (
        f"It reads `{record.template.plain}`, at most {record.max_length} tokens; the context is "
        "cut from its left.\n"
    )


def _stock(record: DetectorRecord) -> str:
    """Whether programs that know no detectors can load the folder."""
    architecture = record.architecture
    if isinstance(architecture, ChatArchitecture):
        return "There are no weights in this folder.\n"
    if isinstance(architecture, HeadsArchitecture):
        return (
            "This is no stock sequence classifier: each maxim has a head of several layers of its own, for which "
            "`AutoModelForSequenceClassification` has no place. It would load the folder with random numbers "
            "instead, and only warn. These lines use the real heads:\n"
        )
    return (
        "This is a stock sequence classifier: `AutoModelForSequenceClassification` loads it with its real head, "
        "and so does whatever is built on that. The temperatures are applied to its logits:\n"
    )


def _trust(record: DetectorRecord) -> str:
    if record.metrics is None:
        return "Not evaluated yet: `grice detector evaluate DIR LABELS`.\n"
    note = f"\n> {record.metrics_note}\n" if record.metrics_note else ""
    return _metrics_table(record.metrics) + note


def _metrics_table(metrics: Metrics) -> str:
    lines = [
        f"On {metrics.num_texts} labelled texts that it was not trained on "
        f"(95 % intervals; {metrics.macro_f1_words}):\n",
        "| maxim | violated | F1 | precision | recall | AUROC | ECE | |",
        "|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    for maxim in MAXIMS:
        lines.append(_metrics_row(maxim, metrics.maxims[maxim]))
    table = "\n".join(lines) + "\n"
    if metrics.cooperative is None:
        return table
    caution = f"\n> It is too harsh: {metrics.harshness}.\n" if metrics.harshness else ""
    return f"{table}\nTexts as a whole, {metrics.cooperative.words}.\n{caution}"


def _metrics_row(maxim: str, one: MaximMetrics) -> str:
    estimates = (one.f1, one.precision, one.recall, one.auroc, one.ece)
    figures = " | ".join(estimate_text(estimate) for estimate in estimates)
    return f"| {maxim} | {one.support} | {figures} | {one.caution or ''} |"


def estimate_text(estimate: Estimate | None) -> str:
    """A figure with its interval, such as "0.71 [0.65, 0.77]"."""
    if estimate is None:
        return "–"
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def _loading_code(record: DetectorRecord) -> str:
    text = record.template.plain
    for field, value in _EXAMPLE.items():
        text = text.replace(f"{{{field}}}", value)
    temperatures = record.temperatures.model_dump()
    if isinstance(record.architecture, ChatArchitecture):
        return _WITH_PACKAGE
    if not isinstance(record.architecture, HeadsArchitecture):
        return _CLASSIFIER_ALONE.format(text=text, temperatures=temperatures)
    if record.architecture.pooling != "cls":
        return _WITH_PACKAGE
    positions = tuple(range(1, 3 * len(record.architecture.hidden_widths) + 2, 3))
    return _HEADS_ALONE.format(text=text, temperatures=temperatures, positions=positions)
