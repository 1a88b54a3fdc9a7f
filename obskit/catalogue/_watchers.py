"""What is asked of each of those who watch: Prometheus, Alertmanager, Loki, Grafana, Alloy.

Whether one is up is read from the scrape job, whose name has to say its name.
"""

from __future__ import annotations

from obskit.model import Signal, Threshold, Variant

#: A rate from which on something happened at all, within a quarter of an hour: 1 / 900 s.
ANY = 0.001
MIB = 1024.0**2
GIB = 1024.0**3


def asked(name: str, query: str, *needs: str) -> tuple[Variant, ...]:
    """Return the one way in which a watcher tells a signal.

    Args:
        name: The watcher's.
        query: PromQL with the catalogue's placeholders.
        needs: Metrics that must be there.
    """
    return (Variant(name=name, query=query, needs=needs),)


def share(by: str, part: str, whole: str) -> str:
    """Return the rate of a counter as a share of another's; 0 where the whole does not grow.

    Args:
        by: Labels that tell the shares apart.
        part, whole: Series with their matchers, in braces.
    """
    total = f"sum by ({by}) (rate({whole}[$rate]))"
    return f"sum by ({by}) (rate({part}[$rate])) / ({total} > 0) or 0 * {total}"


def up(name: str, topic: str, *, jobs: str, meaning: str, reason: str) -> Signal:
    """Return whether an instance answers its scrape.

    Args:
        name: The watcher's, as people write it.
        topic: The file's, which is its name in ids.
        jobs: A regular expression of the end of its jobs' names.
        meaning: What it means that it does not, and where to look.
        reason: Why that is bad.
    """
    return Signal(
        id=f"{topic}_up",
        topic=topic,
        title=f"{name} answers its scrape",
        meaning=meaning,
        unit="ratio",
        bad="down",
        scope="shared",
        entity=topic,
        combine="min",
        weighed=False,
        floor=0.5,
        warn=Threshold(value=0, reason=reason),
        variants=asked(name, f"min by (instance) ({_series(jobs)})", "up"),
    )


def answering(name: str, topic: str, *, jobs: str, reason: str) -> Signal:
    """Return how many instances of a job answer; arguments as those of `up`."""
    return Signal(
        id=f"{topic}_answering",
        topic=topic,
        title=f"{name} instances that answer",
        meaning=(
            "0 when none of a job's instances answers, those included that discovery no longer knows:"
            " of a task that is gone no series says so. Look at why it stopped."
        ),
        unit="count",
        bad="down",
        scope="shared",
        entity=topic,
        combine="sum",
        weighed=False,
        floor=1,
        crit=Threshold(value=0, reason=reason),
        variants=asked(
            name,
            # a day: what was taken away on purpose is forgotten, what was lost at night is still told at noon
            f"sum by (job) ({_series(jobs)}) or 0 * sum by (job) (max_over_time({_series(jobs)}[1d]))",
            "up",
        ),
    )


def memory(name: str, topic: str, *, meaning: str, floor: float) -> Signal:
    """Return the resident memory of the process that has a ``…_build_info``.

    Args:
        name, topic: As those of `up`.
        meaning: What it follows.
        floor: Bytes; the smallest change that matters.
    """
    build = f"{topic}_build_info"
    return Signal(
        id=f"{topic}_memory_bytes",
        topic=topic,
        title=f"memory of {name}",
        meaning=meaning,
        unit="bytes",
        bad="up",
        scope="shared",
        entity=topic,
        combine="max",
        weighed=False,
        floor=floor,
        variants=asked(
            name,
            f"max by (instance) (process_resident_memory_bytes{{$scope}} and on (instance) {build}{{$scope}})",
            build,
        ),
    )


def _series(jobs: str) -> str:
    return f'up{{job=~"(?i)(.*[-/])?{jobs}",$scope}}'
