"""In which format a report is written: as somebody says, else as the file's name does."""

from __future__ import annotations

from pathlib import Path

import pytest

from obskit.cli.output import form_for, forms_for
from obskit.errors import UsageError
from tests.support.command_line import Typed, harmless, typed

REPORT = ("text", "json", "md", "html")


@pytest.fixture
def obskit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Return the command line in an empty folder, with nothing configured."""
    return harmless(typed(monkeypatch, tmp_path, capsys))


@pytest.mark.parametrize(
    ("form", "name", "chosen"),
    [
        ("", "", "text"),
        ("", "report", "text"),
        ("", "report.txt", "text"),
        ("", "REPORT.HTML", "html"),
        ("", "a.b/report.htm", "html"),
        ("", "report.json", "json"),
        ("", "report.md", "md"),
        ("json", "", "json"),
        ("json", "report.pdf", "json"),
        ("text", "report.html", "text"),
    ],
)
def test_a_format_is_what_is_said_else_what_the_name_says(form: str, name: str, chosen: str) -> None:
    """A name without an ending says nothing."""
    assert form_for(form, Path(name) if name else None, REPORT) == chosen


@pytest.mark.parametrize(
    ("form", "name", "words", "way_out"),
    [
        ("", "report.pdf", "report.pdf is no name of a report", ".txt, .html, .htm, .json, .md"),
        ("", "report.csv", "report.csv is no name of a report", "--format"),
        ("pdf", "report.pdf", "there is no format 'pdf'", "text, json, md, html"),
        ("JSON", "report.json", "there is no format 'JSON'", "did you mean json?"),
    ],
)
def test_a_name_that_says_what_is_not_written_is_refused(form: str, name: str, words: str, way_out: str) -> None:
    """Text in a file that calls itself a PDF opens nowhere."""
    with pytest.raises(UsageError) as refused:
        form_for(form, Path(name), REPORT)

    assert words in str(refused.value)
    assert way_out in refused.value.hint


@pytest.mark.parametrize("argv", [("triage", "--demo"), ("check",), ("evaluate", "."), ("sweep", ".")])
def test_every_command_that_writes_a_report_refuses_such_a_name(obskit: Typed, argv: tuple[str, ...]) -> None:
    """Before anybody is asked."""
    said = obskit(*argv, "--out", "report.pdf")

    assert (said.code, said.out) == (2, "")
    assert "report.pdf is no name of a report" in said.err
    assert not Path("report.pdf").exists()


@pytest.mark.parametrize(
    ("form", "name", "printed", "written"),
    [
        ("", "x.html", "text", "html"),
        ("", "x.txt", "text", "text"),
        ("", "x", "text", "text"),
        ("json", "x", "json", "json"),
        ("json", "x.JSON", "json", "json"),
        ("json", "x.html", "json", "html"),
        ("json", "x.pdf", "json", "json"),
        ("json", "x.csv", "json", "json"),
        ("json", "", "json", "json"),
    ],
)
def test_a_file_beside_what_is_printed_is_what_its_name_says(form: str, name: str, printed: str, written: str) -> None:
    """At night one wants to read it and to keep it: two formats of one answer."""
    assert forms_for(form, Path(name) if name else None, REPORT) == (printed, written)


@pytest.mark.parametrize(("form", "name", "words"), [("pdf", "x.html", "'pdf'"), ("", "x.pdf", "x.pdf")])
def test_of_two_formats_each_is_refused_in_the_same_words(form: str, name: str, words: str) -> None:
    """A format that there is not is no better where the file's name says another."""
    with pytest.raises(UsageError, match=words) as of_one:
        form_for(form, Path(name), REPORT)
    with pytest.raises(UsageError) as of_two:
        forms_for(form, Path(name), REPORT)

    assert str(of_two.value) == str(of_one.value)


def test_triage_refuses_a_format_before_it_looks(obskit: Typed) -> None:
    """In the words of every command; nothing is written."""
    said = obskit("triage", "--demo", "--format", "pdf", "--out", "x.html")

    assert (said.code, said.out, Path("x.html").exists()) == (2, "", False)
    assert "there are text, json, md, html" in said.err


@pytest.mark.parametrize("command", ["check", "evaluate"])
def test_help_says_what_comes_first_where_a_file_is_written(obskit: Typed, command: str) -> None:
    """The format that is asked for, which triage's is not: it prints that."""
    assert "as --format says, else as its name does" in " ".join(obskit(command, "--help").out.split())


@pytest.mark.parametrize(
    ("argv", "begins"), [(("triage", "--demo", "--format", "json"), "{"), (("postmortem", "--demo"), "# ")]
)
def test_a_dash_is_standard_output(obskit: Typed, argv: tuple[str, ...], begins: str) -> None:
    """As `--alert -` is standard input: the same is printed as without it, and no file is called so."""
    said = obskit(*argv, "--out", "-")

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(begins)
    assert not list(Path().iterdir())


@pytest.mark.parametrize("name", ["draft.html", "draft.pdf", "draft.docx", "draft.JSON"])
def test_a_draft_is_not_written_to_what_calls_itself_something_else(obskit: Typed, name: str) -> None:
    """It is Markdown, whatever the name says."""
    said = obskit("postmortem", "--demo", "--out", name)

    assert (said.code, said.out) == (2, "")
    assert f"{name} is no name of a draft: it is Markdown" in said.err
    assert ".md, .markdown or .txt" in said.err
    assert not Path(name).exists()
