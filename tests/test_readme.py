"""README's claims that a program can check."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from obskit.asking import demo_bundle
from obskit.cli.app import app
from obskit.incident.causes import all_causes
from obskit.incident.investigate import investigate
from obskit.incident.report import as_postmortem, as_text
from obskit.sources.bundle import read_bundle

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
_BLOCK = re.compile(r"(<!-- demo:begin -->\n```\n)(.*?)(```\n<!-- demo:end -->)", re.DOTALL)
_PLAN = re.compile(r"(<!-- plan:begin -->\n)(.*?)(<!-- plan:end -->)", re.DOTALL)
_LIBRARY = re.compile(r"<!-- library:begin -->\n```python\n(.*?)```\n\n```\n(.*?)```\n<!-- library:end -->", re.DOTALL)
_DRAFT = re.compile(r"(<!-- postmortem:begin -->\n```\n)(.*?)(```\n<!-- postmortem:end -->)", re.DOTALL)
#: What fits on a screen: verdict, causes, and why; a draft up to its first figures.
_LINES, _DRAFT_LINES = 34, 25
#: Up to the first findings; longer lines are cut.
_PLAN_LINES, _WIDTH = 46, 120


def test_the_example_is_what_the_demo_prints(request: pytest.FixtureRequest) -> None:
    """README shows real output, not what somebody remembers of it."""
    recording = read_bundle(demo_bundle())
    diagnosis = investigate(recording.telemetry, service=recording.service, window=recording.window)
    printed = "\n".join(as_text.render(diagnosis, width=80).splitlines()[:_LINES]) + "\n"
    if request.config.getoption("--update"):
        README.write_text(_BLOCK.sub(lambda m: m[1] + printed + m[3], README.read_text()), encoding="utf-8")
    found = _BLOCK.search(README.read_text(encoding="utf-8"))

    assert found is not None
    assert found[2] == printed, "run: pytest tests/test_readme.py --update, and read the difference"


def test_the_plan_is_what_deploy_plan_prints(request: pytest.FixtureRequest) -> None:
    """It is the beginning of what the command's own transcript holds."""
    lines = (ROOT / "tests" / "golden" / "deploy" / "first_plan.txt").read_text(encoding="utf-8").splitlines()
    shown = [line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…" for line in lines[:_PLAN_LINES]]
    printed = "```\n" + "\n".join(shown) + "\n```\n"
    if request.config.getoption("--update"):
        README.write_text(_PLAN.sub(lambda m: m[1] + printed + m[3], README.read_text()), encoding="utf-8")
    found = _PLAN.search(README.read_text(encoding="utf-8"))

    assert found is not None
    assert found[2] == printed, "run: pytest tests/test_readme.py --update, and read the difference"


def test_the_draft_is_what_postmortem_prints(request: pytest.FixtureRequest) -> None:
    """The beginning of the demo's draft, as far as README shows it."""
    recording = read_bundle(demo_bundle())
    diagnosis = investigate(recording.telemetry, service=recording.service, window=recording.window)
    whole = as_postmortem.render(diagnosis, recording.telemetry, recording=demo_bundle().name)
    printed = "\n".join(whole.splitlines()[:_DRAFT_LINES]) + "\n"
    if request.config.getoption("--update"):
        README.write_text(_DRAFT.sub(lambda m: m[1] + printed + m[3], README.read_text()), encoding="utf-8")
    found = _DRAFT.search(README.read_text(encoding="utf-8"))

    assert found is not None
    assert found[2] == printed, "run: pytest tests/test_readme.py --update, and read the difference"


def test_every_command_and_every_cause_is_named() -> None:
    """What exists and is not told is not found."""
    text = README.read_text(encoding="utf-8")

    assert all(f"obskit {command.callback.__name__}" in text for command in app.registered_commands if command.callback)
    assert all(f"`{cause.id}`" in text for cause in all_causes())


def test_every_cause_has_a_runbook_that_the_report_links_to() -> None:
    """A link in a report that leads nowhere costs minutes at night."""
    assert all((ROOT / "runbooks" / "causes" / f"{cause.id}.md").is_file() for cause in all_causes())


def test_the_library_example_prints_what_is_shown() -> None:
    """Three lines to a data frame, and their real output."""
    found = _LIBRARY.search(README.read_text(encoding="utf-8"))

    assert found is not None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(found[1], {})
    assert found[2] == printed.getvalue()
