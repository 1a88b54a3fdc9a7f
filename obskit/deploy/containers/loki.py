"""Loki: one binary, chunks and index in S3, rules from the repository's alerts, retention by its compactor.

What is not yet in S3 (the last half hour or so, and the write-ahead log) lies on the task's own storage: it is
flushed when the task is stopped, and lost when it dies.

A deployment stops the old task before it starts the new one: two compactors on one bucket would delete each
other's index. Meanwhile Alloy keeps lines and tries again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from obskit.deploy.containers import _exporter, _files, _images, _targets
from obskit.deploy.containers._loki_config import config
from obskit.deploy.containers._rules import rules
from obskit.deploy.resource import Fields, Join, Ref
from obskit.deploy.services import Container, FargateService, Mount, Probe

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import StackSpec

NAME: Final = "loki"
#: The user of the image.
USER: Final = "10001:10001"
#: Seconds in which it flushes its chunks; the most that Fargate grants.
STOP_SECONDS: Final = 120


def services(spec: StackSpec, place: Place) -> tuple[FargateService, ...]:
    """Return the service; empty where the stack has none."""
    if not _targets.has(spec, NAME):
        return ()
    size = spec.watcher(NAME)
    port = _targets.WATCHER_PORTS[NAME]
    program = Container(
        name=NAME,
        image=_images.reference(NAME, size.image),
        command=(f"-config.file={_files.CONFIG_PATH}/loki.yml", "-config.expand-env=true"),
        environment=(("LOKI_BUCKET", Ref("bucket.loki", "name")),),
        ports=(port,),
        user=USER,
        mounts=(_files.CONFIG, Mount(volume="data", path="/loki"), _files.TMP),
        # The image is the binary alone, which asks itself (3.7 and newer).
        probe=Probe(command=("CMD", "/usr/bin/loki", "-health"), start=180),
        after=_files.AFTER,
        stop_seconds=STOP_SECONDS,
        open_files=65535,
    )
    return (
        FargateService(
            name=NAME,
            size=size,
            containers=(program, _exporter.container(), _files.container(NAME, USER, ("data",))),
            port=port,
            callers=tuple((name, (port,)) for name in ("alloy", "grafana") if _targets.has(spec, name)),
            metrics=_targets.metrics(port),
            permissions=(*_files.permissions(NAME), *_permissions()),
            configuration={"loki.yml": config(spec, place), **rules("loki", spec.telemetry.obskit_url)},
            minimum_healthy=0,
            maximum=100,
            grace_seconds=120,
        ),
    )


def _permissions() -> tuple[Fields, ...]:
    bucket = Ref("bucket.loki", "arn")
    return (
        {"Sid": "ListChunks", "Effect": "Allow", "Action": ("s3:ListBucket",), "Resource": (bucket,)},
        {
            "Sid": "KeepChunks",
            "Effect": "Allow",
            "Action": ("s3:DeleteObject", "s3:GetObject", "s3:PutObject"),
            "Resource": (Join((bucket, "/*")),),
        },
    )
