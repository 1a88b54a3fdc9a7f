"""A notebook without a browser: what its cells show, and that progress leaves nothing behind."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
CELLS = {
    "incident": "import obskit\nincident = obskit.demo()\nincident",
    "diagnosis": "incident.diagnosis",
    "plot": 'incident.plot(["http_latency_p95"])',
    "timeline": "incident.timeline()",
    "progress": (
        "from obskit.progress import waiting_for\n"
        'with waiting_for(["prometheus", "loki"]) as tell:\n'
        '    tell("prometheus")\n'
        "    print(len(incident.logs))"
    ),
    "error": 'incident.plot(["nothing"])',
}


@pytest.fixture(scope="module")
def shown() -> dict[str, list[Any]]:
    """Return what each cell of a notebook showed."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS.values()])
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OBSKIT_", "AWS_"))} | {"PYTHONPATH": str(ROOT)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Jupyter's own parts, on how they speak to each other
        NotebookClient(notebook, timeout=300, allow_errors=True).execute(env=env)
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}


def test_values_show_themselves_as_tables(shown: dict[str, list[Any]]) -> None:
    """Once each, beside their plain text."""
    for name, words in {"incident": "17654 lines", "diagnosis": "CAUSE FOUND", "timeline": "onset"}.items():
        (output,) = shown[name]
        assert words in output["data"]["text/html"]
        assert "text/plain" in output["data"]


def test_a_plot_is_one_picture(shown: dict[str, list[Any]]) -> None:
    """Not two, as a figure that pyplot knows of would be."""
    (output,) = shown["plot"]

    assert "image/png" in output["data"]


def test_progress_is_one_line_that_is_gone_when_all_have_answered(shown: dict[str, list[Any]]) -> None:
    """It needs no widget, which a saved notebook could not show."""
    line, printed = shown["progress"]

    assert line["data"] == {"text/plain": ""}
    assert printed["text"] == "17654\n"


def test_what_a_user_can_cause_is_told_in_words(shown: dict[str, list[Any]]) -> None:
    """The last line says what, and the next what to do."""
    (output,) = shown["error"]

    assert output["ename"] == "UsageError"
    assert "was not seen" in output["evalue"]
    assert "try:" in output["evalue"]
