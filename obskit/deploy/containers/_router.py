"""The FireLens router: takes what a container writes and hands it to Alloy, which hands it to Loki."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from obskit.deploy.containers._images import reference
from obskit.deploy.containers._targets import ALLOY_LOGS_PORT
from obskit.deploy.services import Container

if TYPE_CHECKING:
    from obskit.deploy.services import FargateService
    from obskit.deploy.spec import StackSpec

#: Its name; containers whose lines it takes start after it.
ROUTER: Final = "router"


#: Bytes of lines that wait for the router, for each container: four times ECS' default.
_WAITING: Final = 4 * 1_048_576
#: Pauses double from five seconds: Alloy may be gone for some minutes.
_RETRIES: Final = 10


def container() -> Container:
    """Return the router; its own lines go to CloudWatch, so that they cannot circle.

    It runs as root, as AWS has it: it opens a socket that Fargate's agent made, and finds its configuration in its
    root file system, where the agent puts it. The task ends with it, as a service without lines cannot be watched.
    """
    return Container(
        name=ROUTER,
        image=reference("router"),
        user="0",
        read_only=False,
        router=True,
    )


def options(spec: StackSpec, service: FargateService, container: Container) -> dict[str, str]:
    """Return the options of the log driver ``awsfirelens``: those of Fluent Bit's output ``loki``.

    ECS adds the task's ARN to each line; Alloy makes the label ``task_id`` of it.

    Args:
        spec: The stack.
        service: Whose task it is.
        container: Whose lines.
    """
    labels = {"service": service.name, "container": container.name, "cluster": spec.name}
    return {
        "Name": "loki",
        "Host": f"alloy.{spec.namespace}",
        "Port": str(ALLOY_LOGS_PORT),
        "Labels": ", ".join(f"{name}={value}" for name, value in labels.items()),
        "Line_Format": "json",
        "Retry_Limit": str(_RETRIES),
        "log-driver-buffer-limit": str(_WAITING),
    }
