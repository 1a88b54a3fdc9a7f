"""Alloy: takes lines from the routers and ECS' events from CloudWatch, labels both, and writes them to Loki.

Several tasks of it read the same events; Loki keeps one of lines that are the same. The receiver of events asks
once a minute and does not look back: an event that CloudWatch takes in later than the next one may be left out
in Loki. What has to know all of them reads the stack's queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from obskit.deploy.containers import _exporter, _files, _images, _targets
from obskit.deploy.containers._alloy_config import START_FROM, START_MINUTES, config
from obskit.deploy.resource import Fields, Join, Ref
from obskit.deploy.services import Container, FargateService, Mount, Probe

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import StackSpec

NAME: Final = "alloy"
#: The user of the image, which it has but does not start as.
USER: Final = "473:473"
_DATA: Final = "/var/lib/alloy/data"
_START: Final = {START_FROM: f'$(date -u -d "-{START_MINUTES} minutes" +%Y-%m-%dT%H:%M:%SZ)'}
#: The image is Ubuntu without curl and wget, but with bash.
_READY: Final = (
    "exec 3<>/dev/tcp/127.0.0.1/{port} && printf 'GET /-/ready HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q ' 200 ' <&3"
)


def services(spec: StackSpec, place: Place) -> tuple[FargateService, ...]:
    """Return the service; empty where the stack has none."""
    if not _targets.has(spec, NAME):
        return ()
    size = spec.watcher(NAME)
    metrics_port = _targets.WATCHER_PORTS[NAME]
    program = Container(
        name=NAME,
        image=_images.reference(NAME, size.image),
        command=(
            "run",
            f"{_files.CONFIG_PATH}/config.alloy",
            f"--storage.path={_DATA}",
            f"--server.http.listen-addr=0.0.0.0:{metrics_port}",
            "--disable-reporting",
            # otelcol.receiver.awscloudwatch is experimental, and there is no other way for a log group to come in.
            "--stability.level=experimental",
        ),
        environment=(
            ("AWS_REGION", place.region),
            ("EVENTS_LOG_GROUP", Ref("log_group.events", "name")),
        ),
        ports=(_targets.ALLOY_LOGS_PORT, metrics_port),
        user=USER,
        mounts=(_files.CONFIG, Mount(volume="data", path=_DATA), _files.TMP),
        probe=Probe(command=("CMD", "/bin/bash", "-c", _READY.format(port=metrics_port))),
        after=_files.AFTER,
        open_files=65535,
    )
    return (
        FargateService(
            name=NAME,
            size=size,
            containers=(program, _exporter.container(), _files.container(NAME, USER, ("data",), given=_START)),
            port=_targets.ALLOY_LOGS_PORT,
            callers=tuple((a.name, (_targets.ALLOY_LOGS_PORT,)) for a in spec.applications),
            metrics=_targets.metrics(metrics_port),
            permissions=(*_files.permissions(NAME), *_permissions()),
            configuration={"config.alloy": config(spec)},
        ),
    )


def _permissions() -> tuple[Fields, ...]:
    group = Ref("log_group.events", "arn")
    return (
        {
            "Sid": "ReadEvents",
            "Effect": "Allow",
            "Action": ("logs:FilterLogEvents",),
            "Resource": (group, Join((group, ":*"))),
        },
    )
