"""Labels: what a person writes about an incident, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from obskit.errors import UsageError
from obskit.evaluation.label import Label, family_of, read_label


def written(tmp_path: Path, held: object) -> Path:
    """Return a label's file."""
    path = tmp_path / "pool.truth.json"
    path.write_text(held if isinstance(held, str) else json.dumps(held), encoding="utf-8")
    return path


def test_a_cause_is_all_that_a_label_needs(tmp_path: Path) -> None:
    """One word is labelled in a minute; the family comes from the name."""
    label = read_label(written(tmp_path, {"cause": "disk_full"}), name="lab/disk_3")

    assert label == Label(cause="disk_full", family="disk")
    assert label.right == ("disk_full",)


def test_everything_that_can_be_said_is_read(tmp_path: Path) -> None:
    """Times become UTC, and a team's own keys do no harm."""
    held = {
        "cause": "memory_exhausted",
        "acceptable": ["memory_leak"],
        "service": "shop",
        "culprit": "orders",
        "task": "a1b2",
        "onset": "2026-01-31T04:12:00+01:00",
        "decoys": ["batch job", "cpu_saturation"],
        "family": "leak",
        "ticket": "INC-12",
        "notes": "the cache grew",
    }
    label = read_label(written(tmp_path, held), name="x")

    assert label == Label(
        cause="memory_exhausted",
        acceptable=("memory_leak",),
        service="shop",
        culprit="orders",
        task="a1b2",
        onset=datetime(2026, 1, 31, 3, 12, tzinfo=UTC),
        decoys=("batch job", "cpu_saturation"),
        family="leak",
    )


def test_the_moment_of_an_injected_fault_is_an_onset(tmp_path: Path) -> None:
    """A lab says when it broke something; null stands for what is not known."""
    held = {"cause": "none", "culprit": None, "acceptable": None, "fault_start": "2026-01-31T03:12:00Z"}
    label = read_label(written(tmp_path, held), name="x")

    assert (label.onset, label.culprit) == (datetime(2026, 1, 31, 3, 12, tzinfo=UTC), "")


@pytest.mark.parametrize("cause", ["none", "other"])
def test_where_no_cause_is_to_be_found_no_cause_is_right(tmp_path: Path, cause: str) -> None:
    """A calm window and a fault that obskit has no cause for have no right hypothesis."""
    assert read_label(written(tmp_path, {"cause": cause}), name="x").right == ()


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ("{", "no readable JSON"),
        ("[" * 100_000, "no readable JSON"),
        ("[1]", "a JSON object is wanted"),
        ({}, "names no cause"),
        ({"cause": "db_pool_exhaust"}, "near: db_pool_exhausted"),
        ({"cause": ["disk_full"]}, "does not know"),
        ({"cause": "disk_full", "acceptable": ["disk_ful"]}, "disk_full"),
        ({"cause": "disk_full", "acceptable": "cpu_saturation"}, "no list of texts"),
        ({"cause": "disk_full", "acceptible": ["cpu_saturation"]}, "is 'acceptable' meant?"),
        ({"cause": "disk_full", "culprit": 3}, "culprit is no text"),
        ({"cause": "disk_full", "onset": "3 o'clock"}, "is no time"),
        ({"cause": "disk_full", "onset": "2026-01-31T03:12:00"}, "no time zone"),
        ({"cause": "disk_full", "notes": "x" * 300_000}, "too large"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, held: object, words: str) -> None:
    """A label that is silently read wrong makes a good engine look bad."""
    with pytest.raises(UsageError) as refused:
        read_label(written(tmp_path, held), name="x")

    said = " ".join(str(refused.value).split())
    assert words in said
    assert "pool.truth.json" in said


def test_a_label_that_is_gone_is_refused(tmp_path: Path) -> None:
    """It may vanish between listing and reading."""
    with pytest.raises(UsageError, match="no readable JSON"):
        read_label(tmp_path / "gone.truth.json", name="x")


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("pool_leak_2", "pool_leak"),
        ("pool_leak-b", "pool_leak"),
        ("lab/pool_leak.12", "pool_leak"),
        ("night/pool_leak/3", "pool_leak"),
        ("pool_leak", "pool_leak"),
        ("a-D1", "a-D1"),
        ("7", "7"),
    ],
)
def test_a_family_is_a_name_without_its_repetition(name: str, family: str) -> None:
    """Two recordings of one fault must not lie on both sides of a cross-validation."""
    assert family_of(name) == family
