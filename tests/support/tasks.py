"""Tasks of a lab, for tests of what is done with them."""

from __future__ import annotations

from datetime import UTC, datetime

from obskit.lab.ecs_task import Revision, Task

BEGIN = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)


def task(
    name: str, *, port: int = 1, registered: bool = True, health: str = "healthy", status: str = "RUNNING"
) -> Task:
    """Return a task of the shop."""
    made = Task(
        id=name,
        service="demo-app",
        cluster="lab",
        revision=Revision(family="demo-app"),
        deployment="ecs-svc/1",
        zone="eu-west-1a",
        port=port,
        created=BEGIN,
    )
    made.registered, made.health, made.status = registered, health, status  # type: ignore[assignment]
    return made
