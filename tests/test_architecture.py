"""Rules of the design that people forget."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "obskit"
MOST_LINES = 400
#: Below obskit.incident these judge, rank or render; everything else there is a shared word or formula.
STAGES = ("collect", "detect", "logs", "events", "correlate", "rank", "culprit", "causes", "report")
#: Of what is no stage there, whom it is for; nothing else of obskit.incident may read it.
READERS = {
    # What users lost, counted over the recorded series with evidence's own lists. The draft of a postmortem alone tells
    # of it, and no cause is judged by it: counted where it is told, it needs no place in a diagnosis, and whoever
    # renders one (command line, notebook) need not count first.
    "impact": ("report.as_postmortem", "report._impact_lines"),
    "losses": ("impact", "report.as_postmortem", "report._impact_lines"),
    # The ranking by statistics: whom it ranks first is the culprit.
    "blame": ("blame", "culprit"),
}
#: What a stage may know of obskit besides modules of obskit.incident that are no stage.
#: Escaping, redaction and drawing judge nothing; dashboards and the command line need them as well as reports.
COMMON = ("obskit.model", "obskit.errors", "obskit.discover", "obskit.escape", "obskit.redact", "obskit.drawing")
HEAVY = ("sklearn", "scipy", "pandas", "pyarrow", "boto3", "botocore", "requests", "jupyter", "grafanalib")
#: Put together here, so that this file names none of them.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs"),
        ("registry", "yarnpkg"),
        ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("proxy", "golang"),
        ("conda", "anaconda", "org"),
    )
)

MODULES = tuple(sorted(PACKAGE.rglob("*.py")))


def name_of(path: Path) -> str:
    """Return a module's dotted name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree_of(path: Path) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _runtime_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs: imports for type checkers only tie nothing together."""
    for child in ast.iter_child_nodes(node):
        if not _is_for_types(child):
            yield child
            yield from _runtime_nodes(child)


def imports_of(tree: ast.Module, module: str, *, is_package: bool) -> set[str]:
    """Return the dotted names that a module of obskit imports from obskit, at any depth of its code."""
    known = {name_of(path) for path in MODULES}
    names: set[str] = set()
    for node in _runtime_nodes(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: len(module.split(".")) - node.level + is_package] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            # "from obskit.incident import rank" imports the module, not a name in it.
            names |= {full if (full := f"{base}.{alias.name}") in known else base for alias in node.names}
    return {name for name in names if name.split(".")[0] == "obskit"}


def _stage_of(module: str) -> str:
    """Return the stage that a module belongs to, or ""."""
    parts = module.split(".")
    return parts[2] if parts[:2] == ["obskit", "incident"] and len(parts) > 2 and parts[2] in STAGES else ""


def _may_import(module: str, other: str) -> bool:
    """Tell whether a module of obskit.incident may know another module of obskit."""
    if other in COMMON:
        return True
    if not other.startswith("obskit.incident."):
        return False
    readers = READERS.get(other.split(".")[2])
    if readers is not None:
        return any(f"{module}.".startswith(f"obskit.incident.{reader}.") for reader in readers)
    stage, others_stage = _stage_of(module), _stage_of(other)
    if not others_stage:
        return True
    if stage != others_stage:
        return False
    # Within causes/ and report/: the contract and what is shared there, never a sibling.
    stem = other.rpartition(".")[2]
    return other.count(".") == 2 or (not stem.startswith("as_") and (stage == "report" or stem.startswith("_")))


INCIDENT = [path for path in MODULES if name_of(path).startswith("obskit.incident.") and path.name != "investigate.py"]


@pytest.mark.parametrize("path", INCIDENT, ids=name_of)
def test_a_stage_knows_the_model_and_no_other_stage(path: Path) -> None:
    """Only investigate.py puts stages together, and no stage asks a source."""
    module = name_of(path)
    found = imports_of(tree_of(path), module, is_package=path.name == "__init__.py")

    assert [other for other in sorted(found) if not _may_import(module, other)] == []


@pytest.mark.parametrize(
    ("module", "code", "allowed"),
    [
        ("obskit.incident.rank", "from obskit.incident import detect", False),
        ("obskit.incident.rank", "def f():\n    from obskit.incident.detect import x", False),
        ("obskit.incident.rank", "import obskit.sources.prometheus", False),
        ("obskit.incident.rank", "from . import culprit", False),
        ("obskit.incident.causes.memory_leak", "from obskit.incident.causes.slow_queries import CAUSE", False),
        ("obskit.incident.report.as_html", "from obskit.incident.report.as_json import render", False),
        ("obskit.incident.evidence", "from obskit.incident.rank import rank", False),
        ("obskit.incident.causes.memory_leak", "from obskit.incident.impact import impact_of", False),
        ("obskit.incident.report.as_json", "from obskit.incident.losses import Loss", False),
        ("obskit.incident.impact", "from obskit.incident.detect import x", False),
        ("obskit.incident.rank", "from obskit.incident.blame.ranking import rank_suspects", False),
        ("obskit.incident.report.as_postmortem", "from obskit.incident.impact import impact_of", True),
        ("obskit.incident.culprit", "from obskit.incident.blame.scene import Ranking", True),
        ("obskit.incident.rank", "from obskit.incident.evidence import Evidence", True),
        ("obskit.incident.rank", "from obskit.model import Finding\nimport numpy", True),
        ("obskit.incident.causes.memory_leak", "from obskit.incident.causes import Cause, _cpu", True),
        ("obskit.incident.report.as_html", "from obskit.incident.report._chart import charts", True),
        ("obskit.incident.report.as_html", "from obskit.escape import clean", True),
        ("obskit.incident.collect", "if TYPE_CHECKING:\n    from obskit.sources import Ask", True),
    ],
)
def test_the_rule_for_stages_tells_right_from_wrong(module: str, code: str, allowed: bool) -> None:
    """The check above sees each way to write an import, and forbids no good one."""
    found = imports_of(ast.parse(code), module, is_package=False)

    assert all(_may_import(module, other) for other in found) is allowed


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_can_be_read_in_one_sitting(path: Path) -> None:
    """No module is longer than 400 lines."""
    lines = path.read_bytes().count(b"\n")

    assert lines <= MOST_LINES


def _undocumented(tree: ast.Module) -> Iterator[str]:
    """Yield the public names of a module that have no docstring."""
    if ast.get_docstring(tree) is None:
        yield "the module"
    open_nodes: list[tuple[str, ast.AST]] = [("", tree)]
    while open_nodes:
        prefix, node = open_nodes.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and child.name[0] != "_":
                if ast.get_docstring(child) is None:
                    yield f"{prefix}{child.name}"
                if isinstance(child, ast.ClassDef):
                    open_nodes.append((f"{prefix}{child.name}.", child))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_public_name_says_what_it_is(path: Path) -> None:
    """Modules, classes, functions and methods have docstrings."""
    assert list(_undocumented(tree_of(path))) == []


@pytest.mark.parametrize("path", [p for p in MODULES if p.name != "settings.py"], ids=name_of)
def test_only_the_settings_read_the_environment(path: Path) -> None:
    """Whatever a variable may say stands in one file."""
    names = {"environ", "getenv", "environb"}
    reads = [
        node.lineno
        for node in ast.walk(tree_of(path))
        if (isinstance(node, ast.Attribute) and node.attr in names)
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and {a.name for a in node.names} & names)
    ]

    assert reads == []


@pytest.mark.parametrize("module", ["obskit", "obskit.cli"])
def test_importing_obskit_loads_nothing_heavy(module: str) -> None:
    """--help and a notebook's first cell come at once."""
    code = f"import sys, {module}; print(*sorted({set(HEAVY)!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )

    assert done.stdout.split() == []


def _files() -> list[Path]:
    """Return the files that belong to the project: what git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
        cwd=ROOT,
        timeout=60,
    )
    if listed.returncode:
        pytest.skip("not a git work tree")
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is a matter of the machine, not of the project."""
    hosts = [host.encode() for host in REGISTRIES]
    named = [
        str(path.relative_to(ROOT)) for path in _files() if any(host in path.read_bytes().lower() for host in hosts)
    ]

    assert named == []
