"""Configuration files of services, as objects ``NAME/DIGEST/path`` in the bucket ``config``.

A set of files is never changed in place: other texts have another digest and lie beside the old ones. So
a revision of a task definition names its files once and for all, and a rollback finds them still there.

``NAME/DIGEST.complete``, written last, says which set is the current one: a set that was only half
written is none. The ten newest sets of a service are kept.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.resource import Attributes, Kind, Observed, Place, Ref, Resource, Stack
from obskit.deploy.resources import _s3
from obskit.deploy.services import services
from obskit.deploy.spec import StackSpec

#: How many sets of a service stay, for rollbacks: ECS itself rolls back by one.
KEPT: Final = 10
_DIGEST_LENGTH: Final = 16
_MARK: Final = ".complete"
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class ConfigurationKind(Kind):
    """The configuration files of one service."""

    name = "configuration"
    needs = ("bucket",)
    replace_on = ("Bucket",)
    renewed = ("prefix", "digest")

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield one for every service that has files."""
        for service in services(spec, place):
            if service.configuration:
                yield configuration(service.name, service.configuration)

    def observe(self, aws: Aws, stack: Stack) -> Iterator[Observed]:
        """Yield one for every service that has objects in the bucket, by one listing of it."""
        bucket = _bucket(stack)
        for name, sets in sorted(_sets(aws, bucket).items()):
            current = _current(sets)
            files = sets[current].files if current else {}
            yield Observed(
                kind=self.name,
                name=name,
                fields={"Bucket": bucket, "Digest": current or None, "Files": dict(files)},
                attributes=_attributes(name, current),
            )

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Write all files, mark the set as the current one, and let the oldest sets go."""
        bucket, digest = _bucket(stack), str(resource.fields["Digest"])
        for path, text in sorted(resource.payload.items()):
            aws.call(
                "s3",
                "put_object",
                idempotent=True,
                settle=True,
                Bucket=bucket,
                Key=f"{resource.name}/{digest}/{path}",
                Body=text.encode(),
                ContentType="text/plain; charset=utf-8",
            )
        sets = _sets(aws, bucket, f"{resource.name}/").get(resource.name, {})
        strange = sets[digest].files.keys() - resource.payload.keys() if digest in sets else set()
        _s3.delete_keys(aws, bucket, [{"Key": f"{resource.name}/{digest}/{path}"} for path in sorted(strange)])
        aws.call("s3", "put_object", idempotent=True, Bucket=bucket, Key=f"{resource.name}/{digest}{_MARK}", Body=b"")
        _s3.delete_keys(aws, bucket, _outdated(resource.name, sets, digest))
        return _attributes(resource.name, digest)

    def foreseen(self, resource: Resource) -> Attributes:
        """Return where the files will lie: it follows from what is in them."""
        return _attributes(resource.name, str(resource.fields["Digest"]))

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Write the set anew: under another digest, or over files that somebody has changed."""
        return self.create(aws, stack, resource)

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete all sets of the service, with all versions of them."""
        _s3.empty(aws, _bucket(stack), f"{before.name}/")


@dataclass(slots=True)
class _Set:
    """The files below one digest.

    Attributes:
        files: Path -> MD5 of the content, in hexadecimal.
        written: When the newest of them was.
        marked: When it became the current set; None where it is not.
    """

    files: dict[str, str] = field(default_factory=dict)
    written: datetime = _NEVER
    marked: datetime | None = None


def configuration(service: str, files: Mapping[str, str]) -> Resource:
    """Return the wanted configuration of one service.

    Args:
        service: Its name.
        files: Path -> text.
    """
    return Resource(
        kind=ConfigurationKind.name,
        name=service,
        fields={"Bucket": Ref("bucket.config", "name"), "Digest": digest_of(files), "Files": _etags(files)},
        service=service,
        payload=files,
    )


def digest_of(files: Mapping[str, str]) -> str:
    """Return 16 hexadecimal digits that tell one set of files from any other.

    Args:
        files: Path -> text.
    """
    sha = hashlib.sha256()
    for path in sorted(files):
        for part in (path.encode(), files[path].encode()):
            # the length goes before, so that no two sets run together to the same bytes
            sha.update(len(part).to_bytes(8, "big") + part)
    return sha.hexdigest()[:_DIGEST_LENGTH]


def _etags(files: Mapping[str, str]) -> dict[str, str]:
    """Return what S3 will say of each file: with S3's own encryption and one part, ETag is the MD5."""
    return {path: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for path, text in files.items()}


def _bucket(stack: Stack) -> str:
    return _s3.bucket_name(stack.name, "config", stack.place)


def _attributes(service: str, digest: str) -> Attributes:
    return {"prefix": f"{service}/{digest}", "digest": digest} if digest else {}


def _sets(aws: Aws, bucket: str, prefix: str = "") -> dict[str, dict[str, _Set]]:
    """Return service -> digest -> its files; nothing where there is no bucket."""
    rows = quiet(lambda: list(aws.pages("s3", "list_objects_v2", "Contents", Bucket=bucket, Prefix=prefix)))
    found: dict[str, dict[str, _Set]] = defaultdict(lambda: defaultdict(_Set))
    for row in rows or ():
        service, _, rest = str(row["Key"]).partition("/")
        digest, _, path = rest.partition("/")
        if path:
            one = found[service][digest]
            one.files[path] = str(row.get("ETag", "")).strip('"')
            one.written = max(one.written, row["LastModified"])
        elif digest.endswith(_MARK):
            found[service][digest.removesuffix(_MARK)].marked = row["LastModified"]
    return {service: dict(sets) for service, sets in found.items()}


def _current(sets: Mapping[str, _Set]) -> str:
    """Return the digest that was marked last; "" where none is."""
    marked = [(one.marked, digest) for digest, one in sets.items() if one.marked is not None]
    return max(marked)[1] if marked else ""


def _outdated(service: str, sets: Mapping[str, _Set], current: str) -> list[dict[str, str]]:
    """Return the keys of other sets' marks, and of all that belongs to sets beyond the newest `KEPT`."""
    others = sorted((digest for digest in sets if digest != current), key=lambda d: (sets[d].written, d), reverse=True)
    keys = [f"{service}/{digest}{_MARK}" for digest in others if sets[digest].marked is not None]
    keys += [f"{service}/{digest}/{path}" for digest in others[KEPT - 1 :] for path in sorted(sets[digest].files)]
    return [{"Key": key} for key in keys]


KIND = ConfigurationKind()
