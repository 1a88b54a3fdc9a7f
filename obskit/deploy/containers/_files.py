"""How a task gets its files: an init container copies them from S3 into a volume and ends.

No image is built for a configuration. The files of a service are objects below ``NAME/DIGEST/`` in the
stack's bucket ``config``; the digest is part of the task definition, so that other files are another revision.
The same container gives the program's user the volumes it writes to: Fargate's empty volumes belong to root.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from obskit.deploy.containers._images import reference
from obskit.deploy.resource import Fields, Join, Ref
from obskit.deploy.services import Container, Mount, Text

#: Where programs find their files.
CONFIG_PATH: Final = "/config"
CONFIG: Final = Mount(volume="config", path=CONFIG_PATH, read_only=True)
#: What a program may write besides its data, where its root file system is read-only.
TMP: Final = Mount(volume="tmp", path="/tmp")  # noqa: S108 - the task's own
#: Name of the init container.
FILES: Final = "files"
#: Its condition for the program.
AFTER: Final = ((FILES, "SUCCESS"),)


def container(
    service: str,
    owner: str,
    volumes: tuple[str, ...] = (),
    *,
    into: Mapping[str, Text] | None = None,
    given: Mapping[str, str] | None = None,
) -> Container:
    """Return the init container that fetches a service's files.

    It is the one container besides the router that runs as root: it hands volumes to the program's user.

    Args:
        service: Whose files.
        owner: ``uid:gid`` that shall own the volumes.
        volumes: Names of volumes besides ``config`` that the program writes to.
        into: Name -> text that is only known once the stack exists. The name between two ``@`` is replaced by
            it in every file, without a slash at its end.
        given: Name -> word of the shell that is only known once the task starts; replaced likewise.
    """
    into, given = into or {}, given or {}
    environment: tuple[tuple[str, Text], ...] = (
        ("BUCKET", Ref("bucket.config", "name")),
        ("PREFIX", Ref(f"configuration.{service}", "prefix")),
        ("HOME", TMP.path),
        *into.items(),
    )
    return Container(
        name=FILES,
        image=reference("aws-cli"),
        essential=False,
        entry_point=("/bin/sh", "-euc"),
        command=(script(owner, volumes, tuple(into), given),),
        environment=environment,
        user="0:0",
        mounts=(
            Mount(volume=CONFIG.volume, path=CONFIG_PATH),
            TMP,
            *(Mount(volume=name, path=f"/volumes/{name}") for name in volumes),
        ),
    )


def script(owner: str, volumes: tuple[str, ...], into: tuple[str, ...], given: Mapping[str, str]) -> str:
    """Return what the init container runs; the environment has the values of *into*."""
    lines = [
        *(f'{name}="{word}"' for name, word in given.items()),
        f'aws s3 cp --recursive --only-show-errors "s3://$BUCKET/$PREFIX/" {CONFIG_PATH}/',
        *(f'find {CONFIG_PATH} -type f -exec sed -i "s|@{name}@|${{{name}%/}}|g" {{}} +' for name in (*into, *given)),
        f"chmod -R a+rX {CONFIG_PATH}",
        f"chmod 1777 {TMP.path}",
        *(f"chown -R {shlex.quote(owner)} /volumes/{name}" for name in volumes),
    ]
    return "\n".join(lines)


def permissions(service: str) -> tuple[Fields, ...]:
    """Return the statements by which a task reads its own files and nobody else's."""
    bucket = Ref("bucket.config", "arn")
    return (
        {
            "Sid": "ReadConfiguration",
            "Effect": "Allow",
            "Action": ("s3:GetObject",),
            "Resource": (Join((bucket, f"/{service}/*")),),
        },
        {
            "Sid": "ListConfiguration",
            "Effect": "Allow",
            "Action": ("s3:ListBucket",),
            "Resource": (bucket,),
            "Condition": {"StringLike": {"s3:prefix": (f"{service}/*",)}},
        },
    )


def yaml_text(document: Mapping[str, Any]) -> str:
    """Return a document as YAML, the same bytes each time.

    Args:
        document: What JSON can hold: its keys are strings.
    """
    return _written(json.dumps(document))


@cache
def _written(document: str) -> str:
    """Return a JSON document as YAML; each kind of resource asks for the same few, and PyYAML takes its time."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Writes what stands twice twice, as a person would."""

        def ignore_aliases(self, _data: Any) -> bool:
            """Answer that nothing is an alias."""
            return True

    text = yaml.dump(json.loads(document), Dumper=Dumper, sort_keys=False, width=120)
    return f"# Written by obskit deploy.\n{text}"
