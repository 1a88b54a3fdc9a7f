"""How large tasks are and how many: what Fargate has, and what makes sense for whom."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from obskit.deploy.fargate import SIZES, STORAGE
from obskit.deploy.spec import Application
from obskit.deploy.spec_check._problem import Problem, error, path_of, warning

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import Size, StackSpec

#: GiB that come with every task, without asking.
_FREE: Final = 20
#: Percent; below it scales without end, above it has no room until the next task runs.
TARGETS: Final = (10, 90)
#: Tasks of a service, ECS's quota.
MOST_TASKS: Final = 5000
#: Their disk is their own: a second task would have other samples, and one that stops loses them.
SINGLE: Final = ("prometheus", "loki")


def check(spec: StackSpec, place: Place | None) -> Iterator[Problem]:
    """Yield sizes that Fargate does not have, and numbers of tasks that cannot work."""
    del place
    for application in spec.applications:
        key = path_of("applications", application.name)
        yield from _size(key, application)
        yield from _number(key, application)
        yield from _loneliness(key, application)
    for watcher in spec.watchers:
        yield from _size(watcher.name, watcher)
        yield from _number(watcher.name, watcher)
        if watcher.name in SINGLE:
            yield from _single(watcher.name, watcher)
        elif watcher.name == "grafana" and spec.database is None and watcher.maximum > 1:
            allowed = "1, or a [database] that several tasks can share"
            yield error("grafana.maximum", watcher.maximum, "is more than one task without a database", allowed)
    shown = [a for a in spec.applications if a.path]
    if shown and all(a.spot == 100 and a.maximum > a.minimum for a in shown):
        yield warning(
            path_of("applications", shown[0].name, "spot"),
            100,
            "lets AWS take away every public task beyond the minimum at once, with two minutes' notice",
            "less than 100 keeps some",
        )


def _size(key: str, size: Size) -> Iterator[Problem]:
    if size.cpu not in SIZES:
        yield error(f"{key}.cpu", size.cpu, "is no size that Fargate has", ", ".join(map(str, SIZES)))
    elif size.memory not in SIZES[size.cpu]:
        allowed = _steps(tuple(SIZES[size.cpu]))
        yield error(f"{key}.memory", size.memory, f"is no memory that Fargate has for {size.cpu} CPU units", allowed)
    if size.storage != _FREE and size.storage not in STORAGE:
        yield error(f"{key}.storage", size.storage, "is no disk that Fargate has", f"{_FREE} to {STORAGE[-1]} (GiB)")
    for name in ("cpu_target", "memory_target"):
        target = getattr(size, name)
        if target and not TARGETS[0] <= target <= TARGETS[1]:
            yield error(f"{key}.{name}", target, "is no target", "{} to {} (percent), or 0 for none".format(*TARGETS))
    if not 0 <= size.spot <= 100:
        yield error(f"{key}.spot", size.spot, "is no share", "0 to 100 (percent)")


def _number(key: str, size: Size) -> Iterator[Problem]:
    least = 0 if isinstance(size, Application) else 1
    if not least <= size.minimum <= MOST_TASKS:
        yield error(f"{key}.minimum", size.minimum, "is no number of tasks", f"{least} to {MOST_TASKS}")
        return
    if not size.minimum <= size.maximum <= MOST_TASKS:
        allowed = f"{size.minimum} (the minimum) to {MOST_TASKS}"
        yield error(f"{key}.maximum", size.maximum, "is no number of tasks", allowed)
        return
    scales = size.maximum > size.minimum
    if scales and not size.minimum:
        # Without a task there is no CPU to measure, so nothing would ever start the first one.
        yield error(f"{key}.minimum", 0, "is where autoscaling cannot start from", "1 or more, or maximum = 0 to pause")
    if scales and not (size.cpu_target or size.memory_target):
        allowed = "a cpu_target or a memory_target, or the same minimum and maximum"
        yield error(f"{key}.maximum", size.maximum, "is never reached: both targets are 0", allowed)
    if size.spot > 0 and not scales:
        allowed = "a maximum above the minimum: only tasks beyond the minimum run on Spot"
        yield warning(f"{key}.spot", size.spot, "has no effect", allowed)


def _single(key: str, size: Size) -> Iterator[Problem]:
    if size.maximum > 1:
        yield error(f"{key}.maximum", size.maximum, "is more than one task with a disk of its own", "1")
    if size.spot:
        allowed = "0: its disk would be lost with two minutes' notice"
        yield error(f"{key}.spot", size.spot, "puts the only task on Spot", allowed)


def _loneliness(key: str, application: Application) -> Iterator[Problem]:
    if application.maximum == 0:
        yield warning(f"{key}.maximum", 0, "pauses the service: no task runs", "1 or more")
    elif application.minimum == 1:
        yield warning(f"{key}.minimum", 1, "leaves nobody while one task is replaced after a failure", "2 or more")


def _steps(sizes: tuple[int, ...]) -> str:
    """Return ``2048 to 8192 in steps of 1024 (MiB)``."""
    steps = {after - before for before, after in pairwise(sizes)}
    if len(sizes) < 4 or len(steps) > 1:
        return f"{', '.join(map(str, sizes))} (MiB)"
    return f"{sizes[0]} to {sizes[-1]} in steps of {steps.pop()} (MiB)"
