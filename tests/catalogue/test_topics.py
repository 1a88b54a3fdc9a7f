"""What the topics of the catalogue share has one home, and none takes it from another topic."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from obskit.catalogue import all_signals

CATALOGUE = Path(__file__).resolve().parents[2] / "obskit" / "catalogue"
TOPICS = sorted(path for path in CATALOGUE.glob("*.py") if not path.name.startswith("_"))


@pytest.mark.parametrize("path", TOPICS, ids=lambda path: path.stem)
def test_a_topic_takes_what_is_shared_from_helpers_only(path: Path) -> None:
    """A topic can be changed, split or taken away without reading the others."""
    taken = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ImportFrom)]

    for node in taken:
        room, _, module = (node.module or "").rpartition(".")
        assert room != "obskit.catalogue" or module.startswith("_"), f"{path.stem} imports from {module}"
        assert not [name.name for name in node.names if name.name.startswith("_")], f"private names of {node.module}"


@pytest.mark.parametrize("name", ["loki", "grafana", "alloy"])
def test_whether_a_watcher_answers_is_asked_of_all_alike(name: str) -> None:
    """By its job's name, which may have what it is a part of before it: ``monitoring/loki``."""
    up, answering = (all_signals()[f"{name}_{part}"] for part in ("up", "answering"))

    assert (up.topic, up.entity, up.combine, up.bad) == (name, name, "min", "down")
    assert (answering.topic, answering.entity, answering.combine, answering.bad) == (name, name, "sum", "down")
    (one,), (all_of_them,) = up.variants, answering.variants
    series = one.query.removeprefix("min by (instance) (").removesuffix(")")
    assert series.startswith(f'up{{job=~"(?i)(.*[-/])?{name}')
    assert all_of_them.query == f"sum by (job) ({series}) or 0 * sum by (job) (max_over_time({series}[1d]))"
