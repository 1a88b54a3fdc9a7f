"""Files are written whole, and a build takes away only what it wrote itself."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.errors import UsageError
from obskit.files import STAMP, whole_file, write_all, write_text

BY = "a test"


def states(files: dict[str, str], out: Path, *, by: str = BY, complete: bool = True) -> dict[str, str]:
    """Write and return what became of each file, by its path below the folder."""
    return {str(path.relative_to(out)): state for path, state in write_all(files, out, by=by, complete=complete)}


def test_the_same_is_left_alone_and_what_is_gone_is_removed(tmp_path: Path) -> None:
    """Three runs: all new, one changed and one gone, all the same."""
    out = tmp_path / "new" / "out"

    assert states({"a": "1", "below/b": "2"}, out) == {"a": "wrote", "below/b": "wrote"}
    assert states({"a": "3"}, out) == {"a": "wrote", "below/b": "removed"}
    before = (out / "a").stat().st_mtime_ns
    assert states({"a": "3"}, out) == {"a": "same"}
    assert (out / "a").stat().st_mtime_ns == before
    assert not (out / "below" / "b").exists()


def test_only_what_we_wrote_and_nobody_changed_is_removed(tmp_path: Path) -> None:
    """Neither a neighbour's file, nor one that was edited, nor one that is gone already."""
    (tmp_path / "theirs").write_text("x", encoding="utf-8")
    states({"a": "1", "edited": "2", "gone": "3", "folder": "4"}, tmp_path)
    (tmp_path / "edited").write_text("by hand", encoding="utf-8")
    for name in ("gone", "folder"):
        (tmp_path / name).unlink()
    (tmp_path / "folder").mkdir()

    assert states({"a": "1"}, tmp_path) == {"a": "same", "edited": "kept"}
    assert states({"a": "1"}, tmp_path) == {"a": "same"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [STAMP, "a", "edited", "folder", "theirs"]


def test_a_part_removes_nothing_and_forgets_nothing(tmp_path: Path) -> None:
    """--only writes one of many; the next whole build still knows the others."""
    states({"a": "1", "b": "2"}, tmp_path)

    assert states({"a": "3"}, tmp_path, complete=False) == {"a": "wrote"}
    assert states({"a": "3"}, tmp_path) == {"a": "same", "b": "removed"}


def test_two_commands_in_one_folder_leave_each_others_files(tmp_path: Path) -> None:
    """Dashboards and alerts may be built into the same place."""
    states({"a": "1"}, tmp_path, by="one")
    states({"b": "1"}, tmp_path, by="two")

    assert states({"c": "1"}, tmp_path, by="two") == {"c": "wrote", "b": "removed"}
    assert (tmp_path / "a").exists()


def test_the_stamp_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    """It may be kept in a repository beside what it lists."""
    for folder in ("one", "two"):
        states({"b": "2", "a": "1"}, tmp_path / folder)

    assert (tmp_path / "one" / STAMP).read_bytes() == (tmp_path / "two" / STAMP).read_bytes()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"a test": 1}', '{"a test": {"../outside": "SUM", "/etc/x": "1"}}', "[" * 9999]
)
def test_a_damaged_stamp_removes_nothing(tmp_path: Path, text: str) -> None:
    """It is a file as others; what lies outside of the folder is never ours."""
    outside, out = tmp_path / "outside", tmp_path / "out"
    outside.write_text("x", encoding="utf-8")
    out.mkdir()
    (out / STAMP).write_text(text.replace("SUM", hashlib.sha256(b"x").hexdigest()), encoding="utf-8")

    assert states({"a": "1"}, out) == {"a": "wrote"}
    assert outside.exists()


@pytest.mark.parametrize("old", [b"\xff\xfe", b"\x00", b""])
def test_what_is_no_text_is_simply_replaced(tmp_path: Path, old: bytes) -> None:
    """Bytes are compared, not what they may mean."""
    (tmp_path / "a").write_bytes(old)

    assert states({"a": "1"}, tmp_path) == {"a": "wrote"}
    assert (tmp_path / "a").read_bytes() == b"1"


def test_links_in_a_circle_are_the_askers_mistake(tmp_path: Path) -> None:
    """As a file, and as the folder."""
    (tmp_path / "a").symlink_to("a")
    (tmp_path / "dir").symlink_to("dir")

    for write in (
        lambda: write_text(tmp_path / "a", "1"),
        lambda: write_all({"a": "1"}, tmp_path, by=BY),
        lambda: write_all({"x": "1"}, tmp_path / "dir", by=BY),
    ):
        with pytest.raises(UsageError, match="cannot be written"):
            write()
    with pytest.raises(OSError, match="symbolic links"), whole_file(tmp_path / "a"):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_the_askers_mistake(tmp_path: Path) -> None:
    """With the reason."""
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="cannot be written"):
        write_all({"below/a": "1"}, tmp_path, by=BY)
    tmp_path.chmod(0o700)


def test_a_file_in_the_place_of_a_folder_is_the_askers_mistake(tmp_path: Path) -> None:
    """Both ways round."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    (tmp_path / "a").mkdir()
    for files, out in (({"x": "1"}, tmp_path / "file"), ({"file/x": "1"}, tmp_path), ({"a": "1"}, tmp_path)):
        with pytest.raises(UsageError, match="cannot be written"):
            write_all(files, out, by=BY)


NAMES = st.dictionaries(st.sampled_from(["a", "b", "c/d", "c/e"]), st.text(max_size=3), max_size=4)


@given(runs=st.lists(NAMES, min_size=1, max_size=5))
def test_after_any_runs_there_is_what_the_last_one_wrote(
    tmp_path_factory: pytest.TempPathFactory, runs: list[dict[str, str]]
) -> None:
    """And the stamp, and nothing else."""
    out = tmp_path_factory.mktemp("out")
    for files in runs:
        write_all(files, out, by=BY)
    there = {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file() and p.name != STAMP}

    assert there == {name: text.encode("utf-8", "replace") for name, text in runs[-1].items()}
