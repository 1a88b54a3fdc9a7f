"""Definitions are run, and one that fails says where."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from obskit.ascode.build import as_text, build
from obskit.ascode.load import load
from obskit.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
GOOD = """
from obskit.ascode import board, group

dashboard = board("good", title="Good", description="d", groups=[group("g", "http_requests")])
"""


def _write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.dashboard.py").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("x = 1\nraise ValueError('no\\nway')\n", 2, "it raises ValueError: no way"),
        ("import sys\nsys.exit(3)\n", 2, "it raises SystemExit: 3"),
        ("x = 1\n", 0, "it defines no `dashboard`"),
        ("x = 1\ny = (\n", 2, "it is no Python: '(' was never closed"),
        ("x = 1\ndashboard = 7\n", 2, "`dashboard` is no dashboard but int"),
        ("dashboard = {'panels': 3}\n", 1, "`dashboard` is no dashboard but dict"),
        ("dashboard = object()\n", 1, "`dashboard` is no dashboard but object"),
        ("dashboard = {'panels': [], 'x': object()}\n", 1, "it raises TypeError: object cannot be written as JSON"),
        ("dashboard = {'panels': [], 'title': '\\ud800'}\n", 1, "a text of it holds half a character"),
        (
            "class X:\n    def to_json_data(self):\n        raise SystemExit(0)\ndashboard = X()\n",
            3,
            "it raises SystemExit",
        ),
        (GOOD.replace("http_requests", "http_request"), 4, "there is no signal 'http_request'"),
        (GOOD.replace('"http_requests"', '"http_requests", "http_requests"'), 4, "two panels of good have one id"),
    ],
)
def test_a_broken_definition_is_one_problem_with_its_line(tmp_path: Path, source: str, line: int, words: str) -> None:
    """And the others are loaded all the same."""
    definitions, problems = load(_write(tmp_path, bad=source, good=GOOD))

    assert [d.name for d in definitions] == ["good"]
    assert [(p.line, p.file.endswith("bad.dashboard.py")) for p in problems] == [(line, True)]
    assert problems[0].message.startswith(words)


def test_a_definition_may_import_what_lies_beside_it(tmp_path: Path) -> None:
    """Grafanalib's own command does not allow that."""
    (tmp_path / "shared_words_of_a_test.py").write_text("TITLE = 'From beside'\n")
    text = GOOD.replace('"Good"', "TITLE").replace(
        "from obskit", "from shared_words_of_a_test import TITLE\nfrom obskit"
    )

    definitions, problems = load(_write(tmp_path, one=text))

    assert [d.title for d in definitions] == ["From beside"]
    assert problems == ()
    assert str(tmp_path) not in sys.path


def test_what_a_definition_prints_stays_out_of_the_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Stdout belongs to the command, which may print JSON there."""
    load(_write(tmp_path, one="print('hello')\n" + GOOD))

    assert capsys.readouterr().out == ""


def test_a_folder_without_definitions_is_refused(tmp_path: Path) -> None:
    """Nothing to check is not the same as nothing wrong."""
    with pytest.raises(UsageError, match=r"no file in .* ends in \.dashboard\.py"):
        load(tmp_path)
    with pytest.raises(UsageError, match="there is no folder"):
        load(tmp_path / "none")


def test_building_twice_writes_the_same_bytes(tmp_path: Path) -> None:
    """And leaves alone what is the same already."""
    definitions, _ = load(_write(tmp_path, good=GOOD))

    first = build(definitions, tmp_path / "out")
    body = first[0][0].read_bytes()
    again, _ = load(tmp_path)
    second = build(again, tmp_path / "out")

    assert [state for _, state in (*first, *second)] == ["wrote", "same"]
    assert second[0][0].read_bytes() == body


def test_grafanalibs_own_command_takes_our_definitions(tmp_path: Path) -> None:
    """The same JSON comes out, so that whoever uses it need not change."""
    folder = _write(tmp_path, good=GOOD)
    out = tmp_path / "good.json"
    code = "import sys; from grafanalib._gen import generate_dashboard_script; generate_dashboard_script()"
    subprocess.run(
        [sys.executable, "-c", code, "-o", str(out), str(folder / "good.dashboard.py")],
        check=True,
        cwd=ROOT,
        timeout=60,
    )

    definitions, _ = load(folder)

    assert json.loads(out.read_text()) == json.loads(as_text(definitions[0].model))
