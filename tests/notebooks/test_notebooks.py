"""Every notebook of `notebooks/` runs from its first cell to its last, and is kept in one form.

They run on the incident that ships with obskit. By hand they run on anything else: ``OBSKIT_TEST_NOTEBOOKS`` is a
Python expression that takes the place of ``obskit.demo()``, so that the same cells meet live servers or another
recording::

    OBSKIT_PROMETHEUS_URL=... OBSKIT_LOKI_URL=... OBSKIT_TEST_NOTEBOOKS='obskit.connect().incident("demo-app", "1h")' \
        .venv/bin/python -m pytest tests/notebooks -rP
    OBSKIT_TEST_NOTEBOOKS='obskit.open_bundle("incident.obskit")' .venv/bin/python -m pytest tests/notebooks -rP

``-rP`` prints how long each took, ``--update`` writes a notebook that Jupyter saved back into the form that is kept.
"""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from traitlets.config import Config

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"
NOTEBOOKS = tuple(sorted(FOLDER.glob("*.ipynb")))
Executed = dict[Path, tuple[Any, float] | BaseException]
#: A cell that takes so many seconds on a busy machine hangs.
CELL_SECONDS = 120
#: What takes the place of the demo, by hand.
OTHER = os.environ.get("OBSKIT_TEST_NOTEBOOKS", "")
DEMO = "obskit.demo()"
#: A warning that a reader would see below a cell is an error here, whoever it comes from. A first cell says so, not
#: PYTHONWARNINGS: a kernel that starts or shuts down warns of ipykernel's own ways, which no cell can help. Nor can one
#: help what prometheus-api-client still does in a way that pandas will take away; Python shows that to nobody.
STRICT = r"""import warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", module=r"ipykernel\.")
warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"prometheus_api_client\.")
"""
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
#: What Jupyter gives a cell that nobody named: eight digits of a random number.
_RANDOM_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){0,3}(?:-[0-9a-f]{12})?")
_HOST = re.compile(r"\bhttps?://([^\s/:\"'`)>]+)")
_LOCAL = re.compile(r"localhost|127\.0\.0\.1|(?:.+\.)?example(?:\.com|\.org)?")
_ABSOLUTE = re.compile(r"(?<![\w.:/<])/(?:home|root|tmp|usr|var|opt|work|mnt|srv|Users)/|\b[A-Z]:\\")
_IDEA = re.compile(r"\A# [^\n]+\n\n\*\*The idea\.\*\* ([^\n]+)\n(?:\n|\Z)")

pytestmark = pytest.mark.skipif(not NOTEBOOKS, reason="an installed package has no notebooks")
each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def book_of(path: Path) -> Any:
    """Return a notebook's JSON."""
    return json.loads(path.read_text(encoding="utf-8"))


def source_of(cell: Any) -> str:
    """Return a cell's text."""
    return "".join(cell["source"])


def canonical(book: Any) -> str:
    """Return a notebook in the form that is kept: no outputs, no counts, no settings of an editor."""
    cells = []
    for cell in book["cells"]:
        kept = {key: cell[key] for key in ("cell_type", "id") if key in cell}
        kept |= {"metadata": {}, "source": source_of(cell).strip("\n").splitlines(keepends=True)}
        if cell["cell_type"] == "code":
            kept |= {"execution_count": None, "outputs": []}
        cells.append(kept)
    whole = {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def markup_of(source: str) -> list[str]:
    """Return which parts of a cell's styled tables a browser takes for markup: ``cells``, ``index``, or none."""
    tree = ast.parse(source)
    above = {below: node for node in ast.walk(tree) for below in ast.iter_child_nodes(node)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "style":
            calls = calls_upon(node, above)
            hidden = ("hide", "axis='index'") in ((name, ", ".join(said)) for name, said in calls)
            for part, method in (("cells", "format"), ("index", "format_index")):
                escaped = ["escape='html'" in said for name, said in calls if name == method]
                if not (escaped and all(escaped)) and not (part == "index" and hidden):
                    found.append(part)
    return found


def calls_upon(node: ast.AST, above: Mapping[ast.AST, ast.AST]) -> list[tuple[str, list[str]]]:
    """Return what is called upon a value, one after the other: each method's name and the keywords that it gets."""
    calls = []
    while isinstance(method := above.get(node), ast.Attribute):
        call = above[method]
        if not isinstance(call, ast.Call) or call.func is not method:
            break
        calls.append((method.attr, [ast.unparse(keyword) for keyword in call.keywords]))
        node = call
    return calls


async def execute(path: Path, home: Path, turn: asyncio.Semaphore) -> tuple[Any, float]:
    """Run a copy of a notebook in a kernel of this interpreter; return it with its outputs, and the seconds it took.

    Raises:
        CellExecutionError: A cell failed; the text holds the cell and its traceback.
    """
    book = nbformat.read(path, as_version=4)
    if OTHER:
        for cell in book.cells:
            cell.source = cell.source.replace(DEMO, OTHER)
    book.cells.insert(0, nbformat.v4.new_code_cell(STRICT, id="strict"))
    where = {"metadata": {"path": str(path.parent)}}
    async with turn:
        # Sockets in a folder: no port that another test may take first, no port that another user could read.
        with tempfile.TemporaryDirectory(prefix="nb") as folder:
            sockets = Config(KernelManager=Config(transport="ipc", ip=f"{folder}/socket"))
            begin = time.monotonic()
            client = NotebookClient(book, timeout=CELL_SECONDS, kernel_name="python3", resources=where, config=sockets)
            return await client.async_execute(env=environment(home)), time.monotonic() - begin


async def execute_all(homes: Mapping[Path, Path]) -> list[tuple[Any, float] | BaseException]:
    """Run notebooks, some at a time: this file runs in one of pytest's processes."""
    turn = asyncio.Semaphore(max(1, (os.cpu_count() or 1) // 2))
    return await asyncio.gather(*(execute(p, home, turn) for p, home in homes.items()), return_exceptions=True)


def environment(home: Path) -> dict[str, str]:
    """Return what a kernel sees: no settings of whoever runs the tests, unless they mean to."""
    kept = {k: v for k, v in os.environ.items() if OTHER or not k.startswith("OBSKIT_")}
    return kept | {
        "IPYTHONDIR": str(home),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the kernel's debugger writes a warning of its own
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


@pytest.fixture(scope="module")
def executed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Executed:
    """Return what became of each notebook that is asked for."""
    items = [i for i in request.session.items if isinstance(i, pytest.Function) and "executed" in i.fixturenames]
    wanted: dict[Path, None] = dict.fromkeys(item.callspec.params["path"] for item in items)  # type: ignore[misc]
    homes = {path: tmp_path_factory.mktemp(path.stem) for path in wanted}
    return dict(zip(homes, asyncio.run(execute_all(homes)), strict=True))


@each
def test_it_runs_to_its_end(path: Path, executed: Executed) -> None:
    """No cell fails or warns, nothing goes to stderr, pictures are shown, each once, and durations as people say them.

    A figure that is both drawn by pyplot and the cell's last word comes twice.
    """
    found = executed[path]
    if isinstance(found, BaseException):
        raise found
    book, seconds = found
    print(f"{path.name}: {seconds:.1f} s")  # noqa: T201 (for -rP)
    outputs = [output for cell in book.cells for output in cell.get("outputs", ())]
    pictures = Counter(o["data"]["image/png"] for o in outputs if "image/png" in o.get("data", {}))

    assert [o.text for o in outputs if o.output_type == "stream" and o.name == "stderr"] == []
    assert set(pictures.values()) == {1}, "a picture twice, or none at all"
    assert [o for o in outputs if re.search(r"\d days \d\d:", str(o.get("data", {}).get("text/html", "")))] == []


@each
def test_it_is_kept_in_one_form(path: Path, request: pytest.FixtureRequest) -> None:
    """A difference between two versions is what somebody changed, not what Jupyter noted."""
    text = path.read_text(encoding="utf-8")
    form = canonical(json.loads(text))
    if request.config.getoption("--update"):
        path.write_text(form, encoding="utf-8", newline="")
        text = form

    assert text == form, "it has outputs or settings in it: run pytest tests/notebooks --update"


@each
def test_its_cells_have_names(path: Path) -> None:
    """An id says what its cell asks, stays when cells move, and is no random number."""
    ids = [cell.get("id", "") for cell in book_of(path)["cells"]]

    assert [i for i in ids if not _ID.fullmatch(i) or _RANDOM_ID.fullmatch(i) or not 2 < len(i) <= 64] == []
    assert [i for i, times in Counter(ids).items() if times > 1] == []
    assert ids[:2] == ["one-idea", "setup"]


@each
def test_it_begins_with_its_one_idea(path: Path) -> None:
    """Title, the idea in one sentence, what it needs, how it runs live; then sections below that title."""
    first, *others = [source_of(c) for c in book_of(path)["cells"] if c["cell_type"] == "markdown"]
    idea = _IDEA.match(first)

    assert idea, "begin with a title and **The idea.** in one sentence"
    assert idea[1].endswith(".")
    assert len(re.findall(r"[.!?](?= [A-Z]|$)", idea[1])) == 1, "one sentence"
    assert "**You need**" in first
    assert "**Live.**" in first
    assert [text[:40] for text in others if re.search(r"^# ", text, re.MULTILINE)] == []


@each
def test_it_names_no_place_of_a_machine_and_no_host(path: Path) -> None:
    """It runs anywhere, and asks nobody whom the reader did not name."""
    text = "\n".join(source_of(cell) for cell in book_of(path)["cells"])

    assert _ABSOLUTE.findall(text) == []
    assert [host for host in _HOST.findall(text) if not _LOCAL.fullmatch(host)] == []


@each
def test_it_defines_nothing_and_its_cells_are_short(path: Path) -> None:
    """What is worth a name belongs into the library; what is longer than a screen is not read."""
    sources = [source_of(c) for c in book_of(path)["cells"] if c["cell_type"] == "code"]
    trees = [ast.parse(source) for source in sources]
    defined = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]

    assert [d.name for d in defined if isinstance(d, ast.ClassDef) or (d.end_lineno or 0) - d.lineno > 3] == []
    assert [source[:60] for source in sources if source.count("\n") >= 18] == []


@each
def test_its_tables_show_whatever_telemetry_holds_as_text(path: Path) -> None:
    """A styled table of pandas takes a log line for markup unless it is told not to; a plain one does not."""
    sources = {c["id"]: source_of(c) for c in book_of(path)["cells"] if c["cell_type"] == "code"}
    markup = {name: markup_of(source) for name, source in sources.items()}

    assert {name: what for name, what in markup.items() if what} == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("table", []),
        ("'{}'.format(table)", []),
        ("table.style", ["cells", "index"]),
        ("table.style.hide(axis='index')", ["cells"]),
        ("table.style.hide(axis='columns').format(escape='html')", ["index"]),
        ("table.style.format(precision=2).format_index(escape='html')", ["cells"]),
        ("table.style.format('{:.2f}', escape='html').format_index('{}')", ["index"]),
        ("f(a.style.format(escape='html').hide(axis='index'), b.style.format(escape='html'))", ["index"]),
        ("a.style.format(escape='html').format(precision=1).hide(axis='index')", ["cells"]),
        ("a.style.format({'x': str.format('{}')}, escape='html').format_index(escape='html')", []),
    ],
)
def test_each_part_of_a_table_is_asked(source: str, found: list[str]) -> None:
    """Cells that are text do not make an index text, nor one table another."""
    assert markup_of(source) == found


@each
def test_it_stands_in_the_list(path: Path) -> None:
    """A notebook that is listed nowhere is not found; the list repeats its one idea."""
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")
    idea = _IDEA.match(source_of(book_of(path)["cells"][0]))

    assert f"]({path.name})" in listed
    assert idea
    assert idea[1] in listed


def test_the_form_loses_nothing_but_outputs_and_settings() -> None:
    """Whoever runs ``--update`` keeps every word and every id."""
    cells = [
        {"cell_type": "markdown", "id": "one-idea", "metadata": {"tags": ["x"]}, "source": ["# A\n", "\n", "b"]},
        {
            "cell_type": "code",
            "id": "setup",
            "metadata": {},
            "source": "1 + 1\n",
            "outputs": [{}],
            "execution_count": 7,
        },
    ]
    once = canonical({"cells": cells, "metadata": {"widgets": {}}, "nbformat": 4, "nbformat_minor": 5})
    kept = json.loads(once)

    assert [(c["id"], source_of(c)) for c in kept["cells"]] == [("one-idea", "# A\n\nb"), ("setup", "1 + 1")]
    assert "tags" not in once
    assert kept["cells"][1]["outputs"] == []
    assert canonical(kept) == once
