"""Fixtures for every test: golden files with one switch."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import settings

# A shared machine is slow at times: how long an example takes is no property of the code.
# CI has a quarter of an hour for everything; whoever has more time looks further.
settings.register_profile("obskit", deadline=None, max_examples=30 if os.environ.get("CI") else 100)
settings.load_profile("obskit")

# Tests that a script starts in the background ignore Ctrl-C, and so does every command that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--update``: write golden files anew; the diff is what is reviewed."""
    parser.addoption("--update", action="store_true", default=False, help="write the golden files anew")


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Run one process more than there are cores: tests wait for servers and processes."""
    cores = yield
    return cores if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") else cores + 1


def pytest_collection_finish() -> None:
    """Let Python look for garbage less often, and never among what was imported.

    The tests of AWS spent a fifth of their time on it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 10)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return a check that a text equals ``tests/golden/<name>``, byte for byte."""

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        known = path.read_bytes().decode() if path.exists() else ""

        assert known == text, f"tests/golden/{name} differs; read the diff, then run pytest --update"

    return check
