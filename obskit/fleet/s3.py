"""``s3://`` for fsspec by boto3, with the credentials, region, profile and endpoint that obskit has for AWS.

The usual package for it, s3fs, stands on a botocore that is older than the boto3 that obskit needs.
Reading only: nothing here writes or deletes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from fsspec import AbstractFileSystem

from obskit.settings import load_settings
from obskit.sources.aws_client import Aws, AwsFailure

#: One call, its retries included.
_CALL_SECONDS = 60.0
#: A million keys: more is no folder of recordings.
_MAX_PAGES = 1000
_ABSENT = ("404", "NoSuchKey", "NoSuchBucket", "NotFound")
_REFUSED = ("403", "AccessDenied", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken")


class S3(AbstractFileSystem):  # type: ignore[misc]  # fsspec brings no types
    """Buckets as folders; a path is ``bucket/key``."""

    protocol = "s3"
    root_marker = ""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        aws = load_settings().aws
        self._aws = Aws(region=aws.region, endpoint_url=aws.endpoint_url, profile=aws.profile)

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """Return what lies directly in a folder."""
        found = list(self._list(self._strip_protocol(path), delimiter="/"))
        return found if detail else [one["name"] for one in found]

    def find(
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False, **_: Any
    ) -> Any:
        """Return all objects below a path: one listing, however deep."""
        root = self._strip_protocol(path)
        depth = root.count("/") + 1 if root else 0
        found = {
            one["name"]: one
            for one in self._list(root)
            if maxdepth is None or one["name"].count("/") - depth < maxdepth
        }
        if withdirs:
            folders = {folder for name in found for folder in _parents(name, root)}
            found |= {name: {"name": name, "size": 0, "type": "directory"} for name in folders}
        return dict(sorted(found.items())) if detail else sorted(found)

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Return what a path is: an object, or a folder that holds some.

        Raises:
            FileNotFoundError: Neither.
        """
        path = self._strip_protocol(path)
        bucket, _slash, key = path.partition("/")
        if key:
            try:
                head = self._call("head_object", Bucket=bucket, Key=key)
            except FileNotFoundError:
                pass
            else:
                return {"name": path, "size": int(head["ContentLength"]), "type": "file"}
        first = self._call("list_objects_v2", Bucket=bucket, Prefix=f"{key}/" if key else "", MaxKeys=1)
        if not first.get("Contents"):
            raise FileNotFoundError(path)
        return {"name": path, "size": 0, "type": "directory"}

    def _open(self, path: str, mode: str = "rb", **_: Any) -> Any:
        """Return the object as a stream."""
        if mode != "rb":
            raise OSError("S3 is read here, not written")
        bucket, _slash, key = self._strip_protocol(path).partition("/")
        return self._call("get_object", Bucket=bucket, Key=key)["Body"]

    def _list(self, path: str, delimiter: str = "") -> Iterator[dict[str, Any]]:
        bucket, _slash, key = path.partition("/")
        asked: dict[str, Any] = {
            "Bucket": bucket,
            "Prefix": f"{key.rstrip('/')}/" if key else "",
            "Delimiter": delimiter,
        }
        for _page in range(_MAX_PAGES):
            answer = self._call("list_objects_v2", **asked)
            for one in answer.get("Contents", ()):
                if not one["Key"].endswith("/"):  # how consoles mark an empty folder
                    yield {"name": f"{bucket}/{one['Key']}", "size": int(one["Size"]), "type": "file"}
            for one in answer.get("CommonPrefixes", ()):
                yield {"name": f"{bucket}/{one['Prefix'].rstrip('/')}", "size": 0, "type": "directory"}
            if not answer.get("NextContinuationToken"):
                return
            asked["ContinuationToken"] = answer["NextContinuationToken"]
        raise OSError(f"more than {_MAX_PAGES} pages of keys")

    def _call(self, method: str, **asked: Any) -> dict[str, Any]:
        """Call S3.

        Raises:
            FileNotFoundError: There is no such bucket or object.
            PermissionError: AWS refused, or there are no credentials.
            OSError: It failed otherwise.
        """
        deadline = time.monotonic() + _CALL_SECONDS
        try:
            return self._aws.call(self._aws.client("s3", deadline), method, deadline, **asked)
        except AwsFailure as failure:
            code = failure.reason.partition(":")[0]
            if code in _ABSENT:
                raise FileNotFoundError(str(failure)) from failure
            if code in _REFUSED or not failure.call:
                raise PermissionError(str(failure)) from failure
            raise OSError(str(failure)) from failure


def _parents(name: str, root: str) -> Iterator[str]:
    """Yield the folders between a root and what lies below it."""
    folder = name.rpartition("/")[0]
    while len(folder) > len(root):
        yield folder
        folder = folder.rpartition("/")[0]
