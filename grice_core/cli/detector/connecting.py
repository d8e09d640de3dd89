"""`grice detector connect` and `rubric`: a language model behind an address as the judge."""

from pathlib import Path
from typing import Annotated

import typer

from grice_core.cli.detector.options import Out, Overwrite
from grice_core.errors import DetectorError


def connect(
    address: Annotated[
        str,
        typer.Argument(
            help="Up to /chat/completions, such as http://127.0.0.1:8000/v1 (vLLM, Ollama, llama.cpp, …).",
            show_default=False,
        ),
    ],
    model: Annotated[str, typer.Option(help="As the server calls it.", show_default=False)],
    out: Out,
    rubric: Annotated[
        Path | None, typer.Option(help="YAML; `grice detector rubric` prints one to begin with.")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="Questions at a time.")] = 8,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for an answer.")] = 60,
    max_tokens: Annotated[
        int, typer.Option(min=8, help="Of an answer; a model that reasons first needs more.")
    ] = 64,
    price_in: Annotated[
        float | None, typer.Option(min=0, help="Of a million tokens of questions.")
    ] = None,
    price_out: Annotated[
        float | None, typer.Option(min=0, help="Of a million tokens of answers.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Make a language model behind an OpenAI-compatible address a detector; nothing is sent yet.

    Its key, if it needs one, is read from GRICE_JUDGE_API_KEY and sent to GRICE_JUDGE_URL only.
    """
    from grice_core.cli.detector import tables
    from grice_core.detector.folder import Destination
    from grice_core.detector.llm.connect import ChatSettings, write_chat_detector
    from grice_core.detector.rubric import default_rubric, parse_rubric

    chosen = default_rubric() if rubric is None else parse_rubric(_read(rubric), str(rubric))
    more = {
        "concurrency": concurrency,
        "timeout_s": timeout,
        "price_in": price_in,
        "price_out": price_out,
    }
    record = write_chat_detector(
        ChatSettings(address, model, chosen, max_tokens, more), Destination(out, overwrite)
    )
    tables.say([f"note: {remark}" for remark in record.remarks])
    steps = f"""next: grice detector evaluate {out} LABELS
      grice score FILE --detector {out} --out FILE"""
    tables.say([steps], style="dim")


def rubric() -> None:
    """Print the built-in rubric as YAML, to be edited and given to `connect --rubric`."""
    from grice_core.detector.rubric import default_rubric_text

    typer.echo(default_rubric_text(), nl=False)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DetectorError(f"{path} can't be read: {error}") from None
