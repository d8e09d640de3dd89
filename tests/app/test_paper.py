"""What goes into a paper: the table, the report, the adapter, each as it is downloaded."""

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from playwright.sync_api import Browser, Page, expect
from transformers import AutoModelForCausalLM, AutoTokenizer

from app.state.evaluations import evaluated_pipelines, open_evaluation, output_of
from grice_core.evaluation.generation import generate
from grice_core.evaluation.sampling import Sampling
from grice_core.store import pipelines
from tests.app.conftest import Server
from tests.app.driving import assert_nothing_serious, open_page

pytestmark = pytest.mark.stack

DOCUMENT = r"""\documentclass{article}
\usepackage{booktabs}
\begin{document}
\input{table}
\end{document}
"""


def exported(page: Page, server: Server, label: str, to: Path) -> Path:
    page.goto(f"{server.url}/compare?pipeline=1")
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_text(label).click()
    download.value.save_as(to)
    return to


def test_the_table_compiles(trained_server: Server, page: Page, tmp_path: Path) -> None:
    table = exported(page, trained_server, "Table for a paper", tmp_path / "table.tex")
    assert r"\toprule" in table.read_text()
    if shutil.which("pdflatex") is None:
        pytest.skip("needs pdflatex: apt-get install texlive-latex-recommended")
    (tmp_path / "paper.tex").write_text(DOCUMENT)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "Overfull" not in done.stdout
    assert (tmp_path / "paper.pdf").stat().st_size > 1000


def test_the_report_opens_from_disk_without_a_network(
    trained_server: Server, page: Page, browser: Browser, tmp_path: Path
) -> None:
    report = exported(page, trained_server, "Report, one page", tmp_path / "report.html")
    assert report.stat().st_size < 5_000_000
    context = browser.new_context(offline=True)
    reader = context.new_page()
    asked: list[str] = []
    reader.on("request", lambda request: asked.append(request.url))
    reader.goto(report.as_uri())
    expect(reader.get_by_text("Verdict").first).to_be_visible()
    expect(reader.locator("svg").first).to_be_visible()
    assert asked == [report.as_uri()]
    context.close()


def test_the_adapter_gives_the_same_answers_with_stock_peft(
    trained_server: Server, page: Page, tmp_path: Path
) -> None:
    archive = exported(page, trained_server, "Adapter of stage2", tmp_path / "adapter.zip")
    zipfile.ZipFile(archive).extractall(tmp_path / "adapter")
    assert "PeftModel.from_pretrained" in (tmp_path / "adapter" / "README.md").read_text()

    base = pipelines.get(trained_server.studio.database, 1).base
    tokenizer = AutoTokenizer.from_pretrained(base)
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model = PeftModel.from_pretrained(plain, str(tmp_path / "adapter"))

    studio = trained_server.studio
    evaluated = evaluated_pipelines(studio).found[0]
    stored = open_evaluation(studio, output_of(studio, evaluated.run_id))
    sampling = Sampling(**stored.document["sampling"])
    stage2 = stored.models[-1]
    assert generate(model, tokenizer, list(stage2.prompts), sampling) == list(stage2.responses)
    assert list(stage2.responses) != list(stored.models[0].responses)


def test_a_whole_model_is_made_by_the_worker_and_loads_without_us(
    trained_server: Server, page: Page, tmp_path: Path
) -> None:
    open_page(page, f"{trained_server.url}/compare?pipeline=1&view=Models")
    page.get_by_role("radio", name="GGUF").click()
    expect(page.get_by_role("button", name="Export this model")).to_be_disabled()
    expect(page.get_by_text("GGUF needs llama.cpp").first).to_be_visible()
    page.get_by_role("radio", name="Whole model").click()
    page.get_by_role("button", name="Export this model").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "stage2-merged-fp32.zip"
    download.value.save_as(tmp_path / "model.zip")
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        archive.extractall(tmp_path)
    AutoModelForCausalLM.from_pretrained(tmp_path / "stage2-merged-fp32")
    expect(page.get_by_text("--to hub:OWNER/NAME --as merged --dry-run")).to_be_visible()
    assert_nothing_serious(page)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("link", name="Download")).to_have_count(0)
