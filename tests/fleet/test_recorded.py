"""Recordings are found and read wherever they lie."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
import fsspec
import pytest
from moto import mock_aws

from obskit.errors import BundleError, SourceError, UsageError
from obskit.fleet.recorded import _named, find
from tests.support.labelled import pool, write
from tests.support.scenario import SERVICE, WINDOW


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return one small recording."""
    return write(tmp_path_factory.mktemp("one") / "pool.obskit", pool()).read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with recordings at several depths; what they hold does not matter."""
    for name in ("b.obskit", "a.obskit", "deep/er/c.obskit", "own/incident.obskit", ".hidden/d.obskit", "a.truth.json"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"")
    return tmp_path / "in"


@pytest.fixture
def memory(bundle: bytes) -> Iterator[str]:
    """Return an address of a folder with two recordings in memory, which another machine stands for."""
    system, root = fsspec.filesystem("memory"), f"/{uuid.uuid4()}"
    system.pipe(f"{root}/2026/pool.obskit", bundle)
    system.pipe(f"{root}/broken.obskit", bundle[: len(bundle) // 2])
    yield f"memory:/{root}"
    system.rm(root, recursive=True)


def names(*targets: object) -> list[str]:
    """Return what is found."""
    return [one.name for one in find([str(target) for target in targets])]


def test_a_folder_is_searched_at_any_depth(folder: Path) -> None:
    """A recording is called by its path below, one in a folder of its own as the folder; what is hidden stays so."""
    assert names(folder) == ["a", "b", "deep/er/c", "own"]


def test_files_and_globs_find_the_same(folder: Path) -> None:
    """Names are relative to what does not vary."""
    assert names(folder / "b.obskit") == ["b"]
    assert names(folder / "own") == names(folder / "own" / "incident.obskit") == names(folder / "ow*") == ["own"]
    assert names(folder / "*.obskit") == ["a", "b"]
    assert names(folder / "*") == ["a", "b", "deep/er/c", "own"]
    assert names(folder / "**" / "c.obskit") == ["deep/er/c"]


def test_what_is_named_twice_counts_once(folder: Path) -> None:
    """A folder and a glob in it."""
    assert names(folder, folder / "*.obskit", folder / "a.obskit") == ["a", "b", "deep/er/c", "own"]


def test_no_two_rows_have_one_name(folder: Path, tmp_path: Path) -> None:
    """Two folders with the same recordings: both are called by their whole path."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.obskit").write_bytes(b"")

    assert names(folder / "a.obskit", other) == [str(folder / "a.obskit"), str(other / "a.obskit")]


def test_a_file_that_looks_like_a_glob_is_a_file(tmp_path: Path) -> None:
    """What is there as it was typed is meant."""
    (tmp_path / "[1].obskit").write_bytes(b"")

    assert names(tmp_path / "[1].obskit") == ["[1]"]


@pytest.mark.parametrize("target", ["nowhere", "nowhere/*.obskit", ".", "memory://nowhere-at-all"])
def test_a_place_without_a_recording_is_a_mistake(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep of nothing that says all is well would be believed."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="there is no recording"):
        find([target])


@pytest.mark.parametrize("target", ["nonsense://me:5ec2e7@x/y", "gs://me:5ec2e7@bucket/x"])
def test_a_protocol_that_nobody_speaks_here_is_named_without_its_secrets(target: str) -> None:
    """Unknown ones, and those whose package is not installed."""
    with pytest.raises(UsageError) as error:
        find([target])

    assert target.partition(":")[0] in str(error.value)
    assert "5ec2e7" not in str(error.value)


def test_a_remote_recording_is_read_and_leaves_no_file(memory: str, tmp_path: Path) -> None:
    """It is the same as on this machine; its copy is gone when it is read."""
    items = find([memory])
    seen = items[0].seen(tmp_path)

    assert [one.name for one in items] == ["2026/pool", "broken"]
    assert seen is not None
    assert (seen.service.name, seen.window) == (SERVICE, WINDOW)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_remote_recording_is_called_by_its_name(memory: str, tmp_path: Path) -> None:
    """Nobody knows the copy, and it is gone as well."""
    with pytest.raises(BundleError, match=r"^broken is damaged"):
        find([memory])[1].seen(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_remote_recording_that_has_gone_is_no_reason_to_try_again(memory: str, tmp_path: Path) -> None:
    """Between the listing and the reading somebody cleaned up."""
    gone = find([memory])[0]
    fsspec.filesystem("memory").rm(gone.path)

    with pytest.raises(BundleError, match="2026/pool cannot be read"):
        gone.seen(tmp_path)


def test_recordings_of_other_services_are_not_wanted(memory: str) -> None:
    """That is seen when one is read."""
    mine, others = (find([memory], services=[name])[0] for name in (SERVICE, "another"))

    assert mine.seen(None) is not None
    assert others.seen(None) is None


@pytest.fixture
def bucket(bundle: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """Return a bucket of moto's S3 with two recordings."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "DEFAULT_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        s3 = boto3.client("s3", region_name="eu-west-1")
        s3.create_bucket(Bucket="incidents", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        for key in ("2026/11/pool.obskit", "2026/12/lock.obskit", "2026/11/pool.truth.json", "empty/"):
            s3.put_object(Bucket="incidents", Key=key, Body=bundle)
        fsspec.AbstractFileSystem.clear_instance_cache()
        yield "s3://incidents"


def test_a_bucket_is_a_folder(bucket: str, tmp_path: Path) -> None:
    """Listed, matched and read by boto3, with the credentials that obskit has."""
    seen = find([f"{bucket}/2026/11/pool.obskit"])[0].seen(tmp_path)

    assert names(bucket) == ["2026/11/pool", "2026/12/lock"]
    assert names(f"{bucket}/2026") == ["11/pool", "12/lock"]
    assert names(f"{bucket}/2026/*/l*.obskit") == ["12/lock"]
    assert seen is not None
    assert seen.service.name == SERVICE


def test_a_bucket_that_is_not_there_is_said(bucket: str) -> None:
    """Not taken for an empty one."""
    with pytest.raises((UsageError, SourceError), match="another-bucket"):
        find(["s3://another-bucket/x"])


def test_a_signed_address_is_no_name() -> None:
    """Of a web address the last word of its path is the name."""
    assert (
        _named("pool.obskit?X-Amz-Signature=5ec2e7", "https://h.example/pool.obskit?X-Amz-Signature=5ec2e7") == "pool"
    )
