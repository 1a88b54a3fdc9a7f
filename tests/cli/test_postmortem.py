"""`obskit postmortem`: what is typed, what is written, and the exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command_line import Typed, harmless, typed
from tests.support.scenario import full_pool, recorded


@pytest.fixture
def obskit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Return the command line, in an empty folder and with nothing configured."""
    return harmless(typed(monkeypatch, tmp_path, capsys, command=("postmortem",)))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a recording of an exhausted pool."""
    return recorded(tmp_path_factory.mktemp("bundle") / "pool.obskit", full_pool())


def test_help_teaches(obskit: Typed) -> None:
    """It says what comes before, what comes out, and that nothing is made up."""
    said = obskit("--help")

    assert (said.code, said.err) == (0, "")
    for word in ("obskit record shop", "obskit postmortem incident.obskit", "--demo", "--objective", "Nothing is made"):
        assert word in said.out


def test_a_recording_becomes_a_draft(obskit: Typed, bundle: Path) -> None:
    """On stdout, from the file's name on; again the same bytes."""
    said = obskit(bundle)

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("# Postmortem of shop, 2026-01-31 (draft)\n")
    assert "- **Recording:** `pool.obskit` (" in said.out
    assert str(bundle.parent) not in said.out
    assert obskit(bundle) == said


def test_out_gets_what_stdout_would(obskit: Typed, bundle: Path, tmp_path: Path) -> None:
    """Stdout stays empty; stderr says where it is."""
    printed = obskit(bundle).out
    said = obskit(bundle, "--out", "draft.md")

    assert (said.code, said.out) == (0, "")
    assert said.err == f"draft written to {tmp_path / 'draft.md'}\n"
    assert (tmp_path / "draft.md").read_text(encoding="utf-8") == printed


def test_a_terminal_obeys_no_name(obskit: Typed, bundle: Path, tmp_path: Path) -> None:
    """Neither in what is said nor in the draft."""
    name = "\x1b[31mred.obskit"
    (tmp_path / name).write_bytes(bundle.read_bytes())
    said = obskit(name, "--out", "\x1b[31mred.md")

    assert (said.code, said.out) == (0, "")
    assert said.err == f"draft written to {tmp_path / 'red.md'}\n"
    assert "- **Recording:** `red.obskit` (" in obskit(name).out


def test_the_demo_needs_no_recording(obskit: Typed) -> None:
    """Whoever installs it sees a draft at once."""
    said = obskit("--demo")

    assert (said.code, said.err) == (0, "")
    assert "CAUSE FOUND: the database connection pool is exhausted" in said.out


def test_the_objective_is_what_the_budget_is_of(obskit: Typed, bundle: Path) -> None:
    """Another one is named in the table's head."""
    assert "Error budget spent (99.5 % over 30 days)" in obskit(bundle, "--objective", "99.5").out


@pytest.mark.parametrize(
    ("argv", "words", "way_out"),
    [
        ([], "which recording?", "obskit postmortem incident.obskit, or obskit postmortem --demo"),
        (["x.obskit", "--demo"], "x.obskit and --demo are two recordings", "drop one of them"),
        (["nope.obskit"], "nope.obskit is no file", "obskit record"),
        (["."], ". is no file", "obskit record"),
        (["text.md"], "text.md is damaged, or no recording of obskit", "obskit record"),
        (["--demo", "--out", "nowhere/x.md"], "nowhere/x.md cannot be written", "a folder that exists"),
        (["--demo", "--out", "."], ". cannot be written", "a folder that exists"),
        (["--demo", "--objective", "all"], "'all' is no objective", "99.9"),
        (["--demo", "--objective", "100"], "'100' is no objective", "less than 100"),
        (["--demo", "--objective", "0"], "'0' is no objective", "50 or more"),
        (["--demo", "--objective", "0.999"], "0.999 % is no objective", "did you mean 99.9?"),
        (["--demo", "--objective", "1e-999999999"], "is no objective", "99.9"),
        (["--demo", "--since", "1h"], "--since", "obskit postmortem --help"),
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


def test_a_draft_that_somebody_wrote_into_is_not_replaced(obskit: Typed, bundle: Path) -> None:
    """Actions and lessons are filled in in that very file; an untouched draft may be written again."""
    assert obskit(bundle, "--out", "draft.md").code == 0
    assert obskit(bundle, "--out", "draft.md").code == 0
    draft = Path("draft.md")
    edited = draft.read_text(encoding="utf-8") + "MY NOTES\n"
    draft.write_text(edited, encoding="utf-8")

    said = obskit(bundle, "--out", "draft.md")

    assert said.code == 2
    assert "may hold what somebody wrote" in said.err
    assert draft.read_text(encoding="utf-8") == edited
