"""ecs_exporter, the sidecar of every task: CPU, memory, network and restarts of the task's containers.

On Fargate nobody sees a host, and only a task itself can ask for its own numbers (task metadata endpoint,
version 4). So the exporter stands in each task.
"""

from __future__ import annotations

from typing import Final

from obskit.deploy.containers._files import TMP
from obskit.deploy.containers._images import reference
from obskit.deploy.containers._targets import EXPORTER_PORT
from obskit.deploy.services import Container

#: The user ``nobody`` of busybox, which Prometheus' own images run as.
NOBODY: Final = "65534:65534"
#: Of the init container that makes ``/tmp``.
TMP_MAKER: Final = "tmp"


def container() -> Container:
    """Return the sidecar; the task goes on without it."""
    return Container(
        name="ecs-exporter",
        image=reference("ecs-exporter"),
        essential=False,
        command=(f"--web.listen-address=:{EXPORTER_PORT}",),
        ports=(EXPORTER_PORT,),
        user=NOBODY,
    )


def tmp_maker() -> Container:
    """Return an init container that lets everybody write to the volume ``tmp``, as ``/tmp`` is known to be.

    Fargate's empty volumes belong to root. It runs the exporter's image, which the task pulls anyway and
    which holds busybox.
    """
    return Container(
        name=TMP_MAKER,
        image=reference("ecs-exporter"),
        essential=False,
        entry_point=("/bin/sh", "-euc"),
        command=(f"chmod 1777 {TMP.path}",),
        user="0:0",
        mounts=(TMP,),
    )
