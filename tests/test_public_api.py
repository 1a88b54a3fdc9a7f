"""The library's face: what is listed is documented, shown by examples that run, and costs nothing until it is used."""

from __future__ import annotations

import ast
import doctest
import inspect
import json
import os
import re
import subprocess
import sys
import types
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

import obskit
from obskit.cli.app import app as command_line

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
#: What `import obskit` must not load.
HEAVY = (
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "sklearn",
    "requests",
    "boto3",
    "matplotlib",
    "rich",
    "typer",
    "IPython",
)
#: What is kept beside the names of the package, as a regular expression.
_STABLE = r"obskit|obskit\.analysis\.(trends|objectives|comparison)|obskit\.ascode(\.alerts)?"
_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


# ------------------------------------------------------------------------- what is undocumented


def undocumented_names(module: types.ModuleType) -> list[str]:
    """Return what is wrong with the public names of a module: no docstring, or no example."""
    wrong = []
    for name in module.__all__:
        found = getattr(module, name)
        text = inspect.getdoc(found) or ""
        if not text:
            wrong.append(f"{name} has no docstring")
        elif ">>> " not in text:
            wrong.append(f"{name} has no example")
        if inspect.isclass(found):
            wrong += _undocumented_members(name, found)
    return wrong


def _undocumented_members(name: str, found: type) -> list[str]:
    wrong = []
    for member, what in vars(found).items():
        plain = what.__func__ if isinstance(what, classmethod | staticmethod) else what
        is_routine = inspect.isfunction(plain)
        if member.startswith("_") or not (is_routine or isinstance(plain, property) or hasattr(plain, "attrname")):
            continue
        text = plain.__doc__ or ""
        if not text.strip():
            wrong.append(f"{name}.{member} has no docstring")
        elif is_routine and ">>> " not in text and found.__module__.startswith("obskit"):
            wrong.append(f"{name}.{member} has no example")
    return wrong


def commands_of(app: typer.Typer) -> dict[str, Any]:
    """Return every command of a command line by its words: ``dashboards build``."""
    found: dict[str, Any] = {}
    open_groups: list[tuple[tuple[str, ...], Any]] = [((), typer.main.get_command(app))]
    while open_groups:
        words, group = open_groups.pop()
        for name, command in getattr(group, "commands", {}).items():
            if getattr(command, "commands", None):
                open_groups.append(((*words, name), command))
            else:
                found[" ".join((*words, name))] = command
    return found


def undocumented_commands(app: typer.Typer, readme: str) -> list[str]:
    """Return what is wrong with a command line: commands and options without help, commands that README leaves out."""
    wrong = []
    for words, command in sorted(commands_of(app).items()):
        if not (command.help or "").strip():
            wrong.append(f"{words} has no help")
        wrong += [
            f"{words} {parameter.name} has no help"
            for parameter in command.params
            if parameter.name != "help" and not (getattr(parameter, "help", "") or "").strip()
        ]
        group, _, name = words.rpartition(" ")
        if not re.search(rf"obskit {group}[^\n]*\b{re.escape(name)}\b" if group else rf"obskit {name}\b", readme):
            wrong.append(f"{words} is not in README")
    return wrong


def test_every_public_name_and_method_is_documented_with_an_example() -> None:
    """Who types help(obskit.connect) learns what comes back, in which unit, what can fail, and how it is called."""
    assert undocumented_names(obskit) == []


def test_every_command_and_option_is_documented() -> None:
    """In --help, and in README."""
    assert undocumented_commands(command_line, README) == []


def test_what_is_undocumented_is_found() -> None:
    """The checks above fail on a name without docstring, a method without one, and a name without example."""

    class Half:
        """Has words.

        >>> Half
        """

        def method(self) -> None:
            pass

        @property
        def value(self) -> int:
            return 0

    def bare() -> None:
        pass

    def without_example() -> None:
        """Have words only."""

    made_up = types.ModuleType("made_up")
    vars(made_up).update(Half=Half, bare=bare, without_example=without_example)
    made_up.__dict__["__all__"] = ["Half", "bare", "without_example"]

    assert undocumented_names(made_up) == [
        "Half.method has no docstring",
        "Half.value has no docstring",
        "bare has no docstring",
        "without_example has no example",
    ]


def test_commands_that_are_undocumented_are_found() -> None:
    """A command without help, an option without help, and one that README leaves out, in a group too."""
    bad, group = typer.Typer(), typer.Typer(name="group")

    @bad.command()
    def silent() -> None:
        pass

    @bad.command()
    def told(flag: Annotated[bool, typer.Option("--flag")] = False) -> None:
        """Say something."""

    @group.command()
    def lost() -> None:
        """Be told nowhere."""

    @group.command()
    def found() -> None:
        """Be told in a list."""

    bad.add_typer(group)

    assert undocumented_commands(bad, "`obskit silent`, `obskit told`, `obskit group build, found`") == [
        "group lost is not in README",
        "silent has no help",
        "told flag has no help",
    ]


# ---------------------------------------------------------------------------------- examples


def examples() -> list[doctest.DocTest]:
    """Return the examples of every public name and its methods, and of the package itself."""
    finder = doctest.DocTestFinder(exclude_empty=True, recurse=True)
    found = {test.name: test for test in finder.find(obskit, "obskit", module=False) if test.name == "obskit"}
    for name in obskit.__all__:
        thing = getattr(obskit, name)
        found |= {test.name: test for test in finder.find(thing, name, module=sys.modules[thing.__module__], globs={})}
    return [test for test in found.values() if test.examples]


@pytest.mark.parametrize("example", examples(), ids=lambda test: test.name)
def test_every_example_runs(example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is shown that does not work; only what needs a server is passed over, never its construction."""
    for name in os.environ:
        if name.startswith(("OBSKIT_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    said: list[str] = []

    outcome = doctest.DocTestRunner(optionflags=_OPTIONS).run(example, out=said.append)

    assert outcome.failed == 0, "".join(said)


def test_examples_are_there_and_few_are_passed_over() -> None:
    """An example of every name; passed over is only what asks live servers or AWS."""
    found = examples()
    passed_over = [(test.name, one.source) for test in found for one in test.examples if doctest.SKIP in one.options]

    assert {test.name.partition(".")[0] for test in found} == {"obskit", *obskit.__all__}
    assert sum(len(test.examples) for test in found) > 60
    assert {name.partition(".")[0] for name, _ in passed_over} <= {"Sources", "plan_stack"}
    assert len(passed_over) < 12


# -------------------------------------------------------------------------------------- lazy


def test_importing_obskit_loads_nothing_heavy_and_a_name_only_what_it_needs() -> None:
    """The first cell of a notebook comes at once; listing names loads none of them."""
    code = f"""
import sys, json, obskit
heavy = {HEAVY!r}
before = [name for name in heavy if name in sys.modules]
listed = set(obskit.__all__) <= set(dir(obskit))
after = [name for name in heavy if name in sys.modules]
obskit.Window, obskit.connect, obskit.signals
used = [name for name in heavy if name in sys.modules]
print(json.dumps([before, listed, after, used]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    before, listed, after, used = json.loads(done.stdout)

    assert (before, listed, after) == ([], True, [])
    assert set(used) <= {"numpy"}


def test_the_list_is_sorted_and_says_the_same_to_people_programs_and_type_checkers() -> None:
    """One list, three readers: __all__, what is loaded when it is used, and what mypy sees."""
    tree = ast.parse((ROOT / "obskit" / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    seen = {alias.name: node.module for node in imports for alias in node.names}

    assert sorted(obskit.__all__) == obskit.__all__
    assert sorted(seen) == obskit.__all__
    assert {name: home for home, names in obskit._HOMES.items() for name in names} == seen
    assert all(getattr(obskit, name).__name__ == name for name in obskit.__all__)


def test_help_begins_with_a_table_of_the_names() -> None:
    """Who types help(obskit) sees on the first screen what there is; every call that the table shows can be made."""
    told = inspect.getdoc(obskit) or ""
    rows = re.findall(r"^    (\w+) {2,}(\S.*)$", told, re.MULTILINE)
    calls = [call for _, words in rows for call in re.findall(r"``obskit\.(\w+)\(([^`]*)\)``", words)]

    assert sorted(name for name, _ in rows) == obskit.__all__
    assert told.index("Stable as well") > told.index("plan_stack")
    assert told[: told.index("Stable as well")].count("\n") < 32
    assert len(calls) > 5
    for name, arguments in calls:
        given = ast.parse(f"f({arguments})", mode="eval").body
        assert isinstance(given, ast.Call)
        named = {keyword.arg or "": None for keyword in given.keywords}
        inspect.signature(getattr(obskit, name)).bind(*given.args, **named)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="module 'obskit' has no attribute 'nothing'"):
        obskit.nothing  # noqa: B018 (looking it up is the test)


def test_it_says_its_version() -> None:
    """The first thing that a report of a fault needs, at no cost."""
    assert obskit.__version__ == version("obskit")
    assert "__version__" not in obskit.__all__


@pytest.mark.parametrize("module", ["trends", "objectives", "comparison"])
def test_modules_that_are_stable_are_told_and_documented(module: str) -> None:
    """In the package's docstring and in README; every name of theirs that a notebook may import says what it is."""
    name = f"obskit.analysis.{module}"
    found = import_module(name)
    public = [one for key, one in vars(found).items() if key[0] != "_" and getattr(one, "__module__", "") == name]

    assert f"`{name}`" in README
    assert name in (obskit.__doc__ or "")
    assert public
    assert [one for one in public if not inspect.getdoc(one)] == []


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_says_what_of_its_imports_may_change(path: Path) -> None:
    """Who copies a cell knows which lines the next release may break."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    lines = [line.rstrip("\n") for cell in cells if cell["cell_type"] == "code" for line in cell["source"]]
    imports = [line for line in lines if re.match(r"(from|import) obskit\b", line)]
    may_change = [line for line in imports if not re.match(rf"(import obskit|from ({_STABLE}))\b(?!\.)", line)]

    assert imports
    assert [line for line in imports if line.endswith("  # may change")] == may_change
