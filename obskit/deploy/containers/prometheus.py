"""Prometheus and Alertmanager in one task: they reach each other at localhost.

Samples lie on the task's own storage and end with it, at each deployment too, and a changed rule is one: EFS is
NFS, which Prometheus does not support. Whoever wants to keep them writes to a workspace of Amazon Managed
Prometheus as well (``telemetry.workspace``).

In a deployment the new task runs beside the old one for a minute or two: a gap in the alerts would be worse. Both
then write the same series, for they scrape the same targets and have the same external labels: the workspace holds
both's samples, or refuses the later of two for the same moment. Labels of a replica of its own would cost more:
the workspace takes the other replica only after half a minute of silence.

Rules and Alertmanager's configuration come from the repository's alerts, built with obskit's own defaults; see
`_rules`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from obskit.deploy.containers import _exporter, _files, _images, _scrape, _targets
from obskit.deploy.containers._rules import rules
from obskit.deploy.resource import Fields, Ref
from obskit.deploy.services import Container, FargateService, Mount, Probe, Text

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import StackSpec

NAME: Final = "prometheus"
#: Part of the task's storage that samples may take; blocks being compacted and the WAL need the rest.
_SHARE: Final = 0.8
_MIB_PER_GIB: Final = 1024


def services(spec: StackSpec, place: Place) -> tuple[FargateService, ...]:
    """Return the service; empty where the stack has none."""
    if not _targets.has(spec, NAME):
        return ()
    size = spec.watcher(NAME)
    port = _targets.WATCHER_PORTS[NAME]
    into: dict[str, Text] = (
        {_scrape.ENDPOINT: Ref("metrics_workspace.main", "endpoint")} if spec.telemetry.workspace else {}
    )
    volumes = ("data", "alertmanager")
    callers = (("grafana", port), ("loki", _targets.ALERTMANAGER_PORT))
    return (
        FargateService(
            name=NAME,
            size=size,
            containers=(
                _prometheus(spec),
                _alertmanager(),
                _exporter.container(),
                _files.container(NAME, _exporter.NOBODY, volumes, into=into),
            ),
            port=port,
            callers=tuple((name, (to,)) for name, to in callers if _targets.has(spec, name)),
            metrics=_targets.metrics(port),
            permissions=(*_files.permissions(NAME), *_permissions(spec, place)),
            configuration={
                "prometheus.yml": _files.yaml_text(_scrape.document(spec, place)),
                **rules("prometheus", spec.telemetry.obskit_url),
            },
            grace_seconds=120,
        ),
    )


def _prometheus(spec: StackSpec) -> Container:
    size = spec.watcher(NAME)
    port = _targets.WATCHER_PORTS[NAME]
    return Container(
        name=NAME,
        image=_images.reference(NAME, size.image),
        command=(
            f"--config.file={_files.CONFIG_PATH}/prometheus.yml",
            "--storage.tsdb.path=/prometheus",
            f"--storage.tsdb.retention.time={spec.telemetry.metrics_days}d",
            f"--storage.tsdb.retention.size={int(size.storage * _MIB_PER_GIB * _SHARE)}MB",
            f"--web.listen-address=:{port}",
        ),
        ports=(port,),
        user=_exporter.NOBODY,
        mounts=(_files.CONFIG, Mount(volume="data", path="/prometheus"), _files.TMP),
        probe=_probe(port),
        after=_files.AFTER,
        stop_seconds=120,
        open_files=65535,
    )


def _alertmanager() -> Container:
    port = _targets.ALERTMANAGER_PORT
    return Container(
        name="alertmanager",
        image=_images.reference("alertmanager"),
        command=(
            f"--config.file={_files.CONFIG_PATH}/alertmanager.yml",
            "--storage.path=/alertmanager",
            f"--web.listen-address=:{port}",
            "--cluster.listen-address=",  # no gossip: it is alone
        ),
        ports=(port,),
        user=_exporter.NOBODY,
        mounts=(_files.CONFIG, Mount(volume="alertmanager", path="/alertmanager")),
        probe=_probe(port),
        after=_files.AFTER,
    )


def _probe(port: int) -> Probe:
    """Return the health check: the images are busybox, which has wget."""
    address = f"http://127.0.0.1:{port}/-/healthy"
    return Probe(command=("CMD", "/bin/wget", "-q", "-O", "/dev/null", address), start=120)


def _permissions(spec: StackSpec, place: Place) -> tuple[Fields, ...]:
    found: list[Fields] = []
    if spec.telemetry.discovery == "ecs":
        found += _discovery(spec, place)
    if spec.telemetry.workspace:
        found.append(
            {
                "Sid": "WriteSamples",
                "Effect": "Allow",
                "Action": ("aps:RemoteWrite",),
                "Resource": (Ref("metrics_workspace.main", "arn"),),
            }
        )
    return tuple(found)


def _discovery(spec: StackSpec, place: Place) -> list[Fields]:
    """Return what Prometheus' discovery of ECS calls, each call as narrow as AWS lets it be.

    It first describes the account's default cluster, only to see whether its credentials are good.
    """
    cluster = _scrape.cluster_arn(spec, place)
    return [
        {
            "Sid": "DescribeClusters",
            "Effect": "Allow",
            "Action": ("ecs:DescribeClusters",),
            "Resource": tuple(sorted((cluster, place.arn("ecs", "cluster/default")))),
        },
        {
            "Sid": "ListTasks",
            "Effect": "Allow",
            "Action": ("ecs:ListServices", "ecs:ListTasks"),
            "Resource": ("*",),
            "Condition": {"ArnEquals": {"ecs:cluster": (cluster,)}},
        },
        {
            "Sid": "DescribeTasks",
            "Effect": "Allow",
            "Action": ("ecs:DescribeServices", "ecs:DescribeTasks"),
            "Resource": (place.arn("ecs", f"service/{spec.name}/*"), place.arn("ecs", f"task/{spec.name}/*")),
        },
        {
            "Sid": "DescribeInterfaces",
            "Effect": "Allow",
            "Action": ("ec2:DescribeNetworkInterfaces",),
            "Resource": ("*",),
        },
    ]
