"""Which services there are to be looked at."""

from __future__ import annotations

import time

from obskit.errors import SourceError, UsageError
from obskit.model import Window
from obskit.settings import Settings


def all_services(settings: Settings, *, cluster: str, window: Window) -> tuple[str, ...]:
    """Return the names of all services: of the settings, of the ECS cluster, and where there is none of Prometheus.

    What ECS runs is what can be triaged; a label in Prometheus may also name exporters.

    Args:
        settings: Whom to ask.
        cluster: The ECS cluster; "" for the configured one.
        window: When they must have had series.

    Raises:
        SourceError: Nobody could be asked.
        UsageError: There is no service, or nobody to be asked.
    """
    names = {service.name for service in settings.services}
    cluster = cluster or settings.aws.cluster
    if cluster:
        names.update(_in_ecs(settings, cluster))
    elif settings.prometheus.url:
        names.update(_in_prometheus(settings, window))
    if not names:
        raise UsageError(
            "which services there are is not known",
            hint="set OBSKIT_ECS_CLUSTER or OBSKIT_PROMETHEUS_URL, or name them: --services a,b,c",
        )
    return tuple(sorted(names))


def _in_ecs(settings: Settings, cluster: str) -> list[str]:
    from obskit.sources.aws_client import Aws, AwsFailure

    aws = Aws(region=settings.aws.region, endpoint_url=settings.aws.endpoint_url, profile=settings.aws.profile)
    deadline = time.monotonic() + settings.deadline_seconds
    try:
        client = aws.client("ecs", deadline)
        arns = list(aws.pages(client, "list_services", "serviceArns", deadline, cluster=cluster, maxResults=100))
    except AwsFailure as failure:
        raise SourceError(
            f"the services of cluster {cluster} could not be listed", where={"said": str(failure)}, hint="obskit doctor"
        ) from failure
    return [str(arn).rsplit("/", 1)[-1] for arn in arns]


def _in_prometheus(settings: Settings, window: Window) -> list[str]:
    from obskit.ascode.preview.data import PreviewAsk
    from obskit.ascode.preview.live import Live

    deadline = time.monotonic() + settings.deadline_seconds
    live = Live(PreviewAsk(prometheus=settings.prometheus, deadline=deadline))
    return [name for name in live.label_values("", settings.labels.service, window) if name]
