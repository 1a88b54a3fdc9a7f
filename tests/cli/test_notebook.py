"""`obskit notebook`: a notebook that is valid, finds its recording, and runs."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from obskit.extras import to_install
from tests.support.command_line import Typed, harmless, typed
from tests.support.scenario import Scenario, full_pool, recorded

nbformat = pytest.importorskip("nbformat")


@pytest.fixture
def obskit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Return the command line, in an empty folder and with nothing configured."""
    return harmless(typed(monkeypatch, tmp_path, capsys, command=("notebook",)))


def held(path: Path) -> Any:
    """Return a notebook, validated."""
    found = nbformat.read(path, as_version=4)
    nbformat.validate(found)
    return found


def code_of(path: Path) -> str:
    """Return the code of a notebook."""
    return "\n\n".join(cell.source for cell in held(path).cells if cell.cell_type == "code")


def test_help_teaches(obskit: Typed) -> None:
    """It says how to write it, how to run it, and what is kept."""
    said = obskit("--help")

    assert (said.code, said.err) == (0, "")
    for word in ("obskit notebook incident.obskit", "jupyter lab", "--demo", "may hold notes"):
        assert word in re.sub(r"\s+", " ", said.out)


def test_it_lies_beside_its_recording_and_opens_it_from_there(obskit: Typed, tmp_path: Path) -> None:
    """Both can be moved together."""
    bundle = recorded(tmp_path / "kept" / "pool.obskit", full_pool())
    said = obskit("kept/pool.obskit")

    assert (said.code, said.out) == (0, "kept/pool.ipynb\n")
    assert said.err.splitlines()[0] == "open it: jupyter lab kept/pool.ipynb"
    assert "incident = obskit.open_bundle('pool.obskit')" in code_of(bundle.with_suffix(".ipynb"))


@pytest.mark.parametrize("installed", [True, False])
def test_without_jupyter_it_says_how_to_have_it(
    obskit: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    """The command that it ends with would not be found."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "jupyter").touch(0o755 if installed else 0o644)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    said = obskit("--demo")

    missing = f"  Jupyter is not installed here: {to_install('notebooks')}"
    assert said.code == 0
    assert said.err.splitlines() == ["open it: jupyter lab demo.ipynb", *([] if installed else [missing])]


def test_elsewhere_it_finds_the_recording_by_a_relative_path(obskit: Typed, tmp_path: Path) -> None:
    """Seen from the notebook's folder, which is where Jupyter starts it."""
    recorded(tmp_path / "kept" / "pool.obskit", full_pool())
    (tmp_path / "notes").mkdir()
    said = obskit("kept/pool.obskit", "--out", "notes/pool.ipynb")

    assert said.code == 0
    assert "obskit.open_bundle('../kept/pool.obskit')" in code_of(tmp_path / "notes" / "pool.ipynb")
    assert str(tmp_path) not in (tmp_path / "notes" / "pool.ipynb").read_text(encoding="utf-8")


def test_the_same_recording_gives_the_same_bytes_without_outputs(obskit: Typed, tmp_path: Path) -> None:
    """So that a repository shows what somebody changed, and nothing else."""
    recorded(tmp_path / "pool.obskit", full_pool())
    obskit("pool.obskit", "--out", "a.ipynb")
    obskit("pool.obskit", "--out", "b.ipynb")
    cells = held(tmp_path / "a.ipynb").cells

    assert (tmp_path / "a.ipynb").read_bytes() == (tmp_path / "b.ipynb").read_bytes()
    assert [cell.outputs for cell in cells if cell.cell_type == "code" and cell.outputs] == []
    assert len({cell.id for cell in cells}) == len(cells)


def test_it_defines_nothing_and_uses_the_public_names_alone(obskit: Typed, tmp_path: Path) -> None:
    """What an analyst reads there is what obskit promises to keep."""
    import obskit as library

    recorded(tmp_path / "pool.obskit", full_pool())
    obskit("pool.obskit")
    code = code_of(tmp_path / "pool.ipynb")

    assert not re.search(r"^\s*(def|class)\s", code, re.MULTILINE)
    assert {*re.findall(r"\bobskit\.(\w+)", code)} <= {*library.__all__}
    assert set(re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE)) == {"IPython", "obskit", "pandas"}


def test_what_is_plotted_is_what_the_cause_argues_with(obskit: Typed, tmp_path: Path) -> None:
    """The pool's gauge first, then what users felt."""
    recorded(tmp_path / "pool.obskit", full_pool())
    obskit("pool.obskit")

    assert re.findall(r"incident\.plot\((.*)\)", code_of(tmp_path / "pool.ipynb")) == [
        '["db_pool_used_ratio"]',
        '["http_requests", "http_error_ratio", "http_latency_p95", "ecs_running_tasks"]',
    ]


def test_nobodys_notes_are_replaced(obskit: Typed, tmp_path: Path) -> None:
    """A notebook that is there stays as it is."""
    recorded(tmp_path / "pool.obskit", full_pool())
    (tmp_path / "pool.ipynb").write_text("notes")
    said = obskit("pool.obskit")

    assert (said.code, said.out) == (2, "")
    assert "pool.ipynb is there already and may hold notes; nothing was written" in said.err
    assert (tmp_path / "pool.ipynb").read_text() == "notes"


def test_hostile_names_are_text(obskit: Typed, tmp_path: Path) -> None:
    """A file's name cannot end a string or a cell, nor become markup."""
    name = "a'; import os #\"](evil)<b>.obskit"
    recorded(tmp_path / "pool.obskit", full_pool()).rename(tmp_path / name)
    said = obskit(name, "--out", "a.ipynb")
    opening = next(cell for cell in held(tmp_path / "a.ipynb").cells if cell.id == "open")

    assert said.code == 0
    assert f"incident = obskit.open_bundle({name!r})" in opening.source.splitlines()


@pytest.mark.parametrize(
    ("name", "shown"), [("\x1b[31mred\x9b0m.obskit", "red.ipynb"), ("two  blanks\n.obskit", "two  blanks .ipynb")]
)
def test_a_terminal_obeys_no_name(obskit: Typed, tmp_path: Path, name: str, shown: str) -> None:
    """Stdout is read by people as well; blanks stay, for a script may read it."""
    recorded(tmp_path / name, full_pool())
    said = obskit(name)

    assert (said.code, said.out) == (0, f"{shown}\n")
    assert shown in said.err


@pytest.mark.parametrize(
    ("argv", "words", "way_out"),
    [
        ([], "which recording?", "obskit notebook incident.obskit, or obskit notebook --demo"),
        (["x.obskit", "--demo"], "x.obskit and --demo are two recordings", "drop one of them"),
        (["nope.obskit"], "nope.obskit is no file", "obskit record"),
        (["."], ". is no file", "obskit record"),
        (["text.md"], "text.md is damaged, or no recording of obskit", "obskit record"),
        (["--demo", "--out", "nowhere/x.ipynb"], "nowhere/x.ipynb cannot be written", "a folder that exists"),
        (["--demo", "--out", "x.md"], "x.md is no name of a notebook", ".ipynb"),
        (["--demo", "--out", "."], ". is no name of a notebook", ".ipynb"),
    ],
)
def test_wrong_usage_says_what_and_what_to_do(
    obskit: Typed, tmp_path: Path, argv: list[str], words: str, way_out: str
) -> None:
    """One message on stderr, exit code 2, and nothing is written."""
    (tmp_path / "text.md").write_text("# no recording\n")
    said = obskit(*argv)

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("obskit: ")
    assert words in said.err
    assert way_out in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["text.md"]


def test_writing_it_needs_no_jupyter(tmp_path: Path) -> None:
    """An installation without the extra writes it as well."""
    import subprocess
    import sys

    code = (
        "import sys\n"
        "for name in ('nbformat', 'nbclient', 'jupyter', 'ipykernel', 'IPython', 'matplotlib'):\n"
        "    sys.modules[name] = None\n"
        "from obskit.cli import main\n"
        "sys.exit(main(['notebook', '--demo']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False, text=True, timeout=120
    )

    assert (done.returncode, done.stdout) == (0, "demo.ipynb\n")
    assert json.loads((tmp_path / "demo.ipynb").read_text(encoding="utf-8"))["nbformat"] == 4


def run(path: Path) -> tuple[str, int]:
    """Run a notebook in its own folder, and return the text of all its outputs, and how many are images."""
    nbclient = pytest.importorskip("nbclient")
    notebook = held(path)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", ())]
    assert [o for o in outputs if o.output_type == "error"] == []
    shown = [o.get("data", {}) for o in outputs]
    text = "\n".join(str(data.get("text/markdown") or data.get("text/plain", "")) for data in shown)
    return text, sum("image/png" in data for data in shown)


@pytest.mark.parametrize(
    ("incident", "words", "images"),
    [
        (full_pool(), "the database connection pool is exhausted", 2),
        (Scenario().without("metrics", "logs", "events"), "nothing could be seen", 0),
    ],
    ids=["pool", "nothing seen"],
)
def test_it_runs_from_its_own_folder(
    obskit: Typed, tmp_path: Path, incident: Scenario, words: str, images: int
) -> None:
    """All cells, without an error, whatever the recording holds; the draft at its end is the command's."""
    recorded(tmp_path / "kept" / "x.obskit", incident)
    obskit("kept/x.obskit")
    told, drawn = run(tmp_path / "kept" / "x.ipynb")

    assert words in told
    assert drawn == images
    assert "# Postmortem of shop, 2026-01-31 (draft)" in told
