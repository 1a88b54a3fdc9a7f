"""What ECS tells of a service through CloudWatch, as its two exporters spell it.

YACE names the service by the dimension (``dimension_ServiceName``); the official exporter ("plain
labels") by ``service_name``, and leaves ``aws_`` out where the namespace is ``ECS/ContainerInsights``.
Metrics are named here as YACE does.
"""

from __future__ import annotations

from dataclasses import dataclass

from obskit.model import Variant


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How one exporter writes it.

    Attributes:
        name: The variants'.
        label: What holds the service's name, and nothing else.
        without: What its names of Container Insights' metrics lack at the beginning.
    """

    name: str
    label: str
    without: str = ""

    def of_service(self, metric: str, more: str = "") -> str:
        """Return a metric by service; *more* is what each series is compared with."""
        return f'max by ({self.label}) ({metric}{{{self.label}=~"$names",$scope}}{more})'

    def variant(self, query: str, *needs: str) -> Variant:
        """Return a way to a signal."""
        return Variant(name=self.name, query=query, needs=needs, service_from=(self.label, "(.*)"))


YACE = Spelling(name="CloudWatch exporter", label="dimension_ServiceName")
PLAIN = Spelling(name="CloudWatch exporter, plain labels", label="service_name", without="aws_")


def insights(metric: str, scale: str = "") -> tuple[Variant, Variant]:
    """Return both spellings of a metric of Container Insights.

    Args:
        metric: By YACE's name.
        scale: What turns its unit into the signal's, as PromQL: ``" / 60"``.
    """

    def spelt(by: Spelling) -> Variant:
        name = metric.removeprefix(by.without)
        return by.variant(f"{by.of_service(name)}{scale}", name)

    return spelt(YACE), spelt(PLAIN)


def insights_ratio(part: str, whole: str) -> tuple[Variant, Variant]:
    """Return both spellings of one metric of Container Insights as a share of another; of nothing there is no share."""

    def spelt(by: Spelling) -> Variant:
        some, every = part.removeprefix(by.without), whole.removeprefix(by.without)
        return by.variant(f"{by.of_service(some)} / {by.of_service(every, ' > 0')}", some, every)

    return spelt(YACE), spelt(PLAIN)


def percent(metric: str) -> tuple[Variant, Variant]:
    """Return both spellings of a percentage as a ratio; of the namespace ``AWS/ECS``, which both write alike."""

    def spelt(by: Spelling) -> Variant:
        return by.variant(f"{by.of_service(metric)} / 100", metric)

    return spelt(YACE), spelt(PLAIN)
