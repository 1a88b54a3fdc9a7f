"""Where labelled recordings are found, and what they are called."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from obskit.errors import UsageError
from obskit.evaluation.corpus import LeftOut, find

LABEL = '{"cause": "disk_full"}'


def tree(folder: Path, *files: str) -> Path:
    """Write empty recordings, and labels."""
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(LABEL if file.endswith(".json") else "", encoding="utf-8")
    return folder


def names(paths: Iterable[Path]) -> list[str]:
    """Return what labelled recordings are called."""
    return [one.name for one in find(tuple(paths)).labelled]


def test_a_label_lies_beside_its_recording_or_in_its_folder(tmp_path: Path) -> None:
    """Both ways to label are found at any depth, in the order of their names."""
    folder = tree(
        tmp_path, "b.obskit", "b.truth.json", "night/a/incident.obskit", "night/a/truth.json", ".git/x.obskit"
    )

    assert names([folder]) == ["b", "night/a"]


@pytest.mark.parametrize("given", ["a", "a/incident.obskit"])
def test_a_recording_has_one_name_however_it_is_given(tmp_path: Path, given: str) -> None:
    """A shell's pattern and the folder above give the same names: else nothing compares with the last time."""
    folder = tree(tmp_path, "a/incident.obskit", "a/truth.json")

    assert names([folder / given]) == names([folder]) == ["a"]


def test_what_is_given_twice_counts_once(tmp_path: Path) -> None:
    """A folder, a file in it and a link to it are one recording."""
    folder = tree(tmp_path, "b.obskit", "b.truth.json")
    (tmp_path / "link").symlink_to(folder)

    assert names([folder, folder / "b.obskit", tmp_path / "link"]) == ["b"]


def test_two_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    """Two labs may both have a pool_1."""
    one, two = (tree(tmp_path / lab, "pool.obskit", "pool.truth.json") for lab in ("a", "b"))

    assert names([one, two]) == [f"{one}/pool.obskit", f"{two}/pool.obskit"]


def test_what_has_no_partner_is_told(tmp_path: Path) -> None:
    """A recording without a label and a label without a recording are left out by name."""
    tree(tmp_path, "ok.obskit", "ok.truth.json", "bare.obskit", "lost.truth.json", "gone/truth.json")

    assert find([tmp_path]).skipped == (
        LeftOut("bare", "a recording without a label"),
        LeftOut("gone", "a label without a recording: incident.obskit is not there"),
        LeftOut("lost", "a label without a recording: lost.obskit is not there"),
    )


def test_a_file_that_is_no_recording_is_not_called_one(tmp_path: Path) -> None:
    """It needs no label; one that has a label is looked into, whatever it is called."""
    tree(tmp_path, "ok.obskit", "ok.truth.json", "README.md", "odd.zip", "odd.zip.truth.json")
    found = find([tmp_path / "ok.obskit", tmp_path / "README.md", tmp_path / "odd.zip"])

    assert found.skipped == (LeftOut("README.md", "no recording: the name of one ends in .obskit"),)
    assert [one.name for one in found.labelled] == ["odd.zip", "ok"]


def test_a_folders_label_is_not_for_two_recordings(tmp_path: Path) -> None:
    """Which of them it speaks of cannot be known; one that has its own is no second."""
    tree(tmp_path / "two", "x.obskit", "y.obskit", "truth.json")
    tree(tmp_path / "one", "x.obskit", "x.truth.json", "truth.json")
    found = find([tmp_path])

    assert [one.name for one in found.labelled] == ["one/x"]
    assert [one.name for one in found.skipped] == ["two/x", "two/y"]


def test_a_label_that_cannot_be_read_fails_alone(tmp_path: Path) -> None:
    """The others are still evaluated."""
    tree(tmp_path, "a.obskit", "a.truth.json", "b.obskit")
    (tmp_path / "b.truth.json").write_text('{"cause": "gremlins"}', encoding="utf-8")
    found = find([tmp_path])

    assert [one.name for one in found.labelled] == ["a"]
    assert [one.name for one in found.failed] == ["b"]
    assert "'gremlins'" in found.failed[0].why


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A typing error is no empty corpus."""
    with pytest.raises(UsageError, match="does not exist"):
        find([tmp_path / "nowhere"])


def test_nothing_labelled_tells_how_to_label(tmp_path: Path) -> None:
    """Whoever has recordings only learns what to write."""
    tree(tmp_path, "a.obskit")
    with pytest.raises(UsageError) as refused:
        find([tmp_path])

    assert "a recording without a label" in str(refused.value)
    assert "NAME.truth.json" in str(refused.value)
