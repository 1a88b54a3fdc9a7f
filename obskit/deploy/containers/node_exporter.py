"""node_exporter as a service of its own: what it sees is the micro VM of its own task, and no host.

Fargate shows no host to anybody. CPU, memory and network of the other tasks come from the sidecar in each
task; see `_exporter`. This service tells how Fargate's machines look from the inside (kernel, steal time,
pressure) and keeps dashboards made for nodes usable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from obskit.deploy.containers import _exporter, _images, _targets
from obskit.deploy.services import Container, FargateService, Probe

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import StackSpec

NAME: Final = "node-exporter"
#: What a micro VM has: no hardware sensors, no RAID, no NFS, no kernel modules.
COLLECTORS: Final = (
    "cpu",
    "diskstats",
    "filefd",
    "filesystem",
    "loadavg",
    "meminfo",
    "netdev",
    "netstat",
    "pressure",
    "sockstat",
    "stat",
    "time",
    "uname",
    "vmstat",
)


def services(spec: StackSpec, place: Place) -> tuple[FargateService, ...]:
    """Return the service; empty where the stack has none."""
    del place
    if not _targets.has(spec, NAME):
        return ()
    size = spec.watcher(NAME)
    port = _targets.WATCHER_PORTS[NAME]
    program = Container(
        name=NAME,
        image=_images.reference(NAME, size.image),
        command=(
            f"--web.listen-address=:{port}",
            "--collector.disable-defaults",
            *(f"--collector.{name}" for name in COLLECTORS),
        ),
        ports=(port,),
        user=_exporter.NOBODY,
        probe=Probe(command=("CMD", "/bin/wget", "-q", "-O", "/dev/null", f"http://127.0.0.1:{port}/")),
    )
    return (
        FargateService(
            name=NAME,
            size=size,
            containers=(program, _exporter.container()),
            port=port,
            metrics=_targets.metrics(port),
        ),
    )
