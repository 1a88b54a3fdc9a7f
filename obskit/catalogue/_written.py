"""Fills a signal's queries in where no server can be asked: for dashboards and alert rules.

The variants are joined by ``or``, in their order of preference: of what several of them
answer with the same labels, the first is taken, and what nothing emits adds nothing. That is
the choice that `obskit.catalogue._speak` makes with a server at hand, except where two exporters
name the service by different labels: then both are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Template

from obskit.catalogue._speak import NOT_TRAFFIC, without_empty
from obskit.model import Signal, Variant
from obskit.settings import LabelNames


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """What is put in place of the placeholders; matchers as PromQL writes them, without braces.

    Attributes:
        labels: How the environment names its labels.
        services: Matchers of the services, ``service=~"$service"``.
        scope: Matchers of what is shared, possibly none.
        wide: Matchers of what a watcher says of others, possibly none.
        names: A regular expression of the services' names, for the inside of a string.
        selector: A whole LogQL stream selector, braces included.
        rate: Range of rates in PromQL; log_rate: in LogQL.
        instrumentation: Names of the variants that this environment speaks; none: all.
    """

    labels: LabelNames
    services: str
    scope: str = ""
    wide: str = ""
    names: str = ".+"
    selector: str = '{job=~".+"}'
    rate: str = "5m"
    log_rate: str = "5m"
    instrumentation: tuple[str, ...] = ()


def variants_of(signal: Signal, instrumentation: Sequence[str] = ()) -> tuple[Variant, ...]:
    """Return the signal's variants that the environment speaks; all where it is not known to speak any."""
    return tuple(v for v in signal.variants if v.name in instrumentation) or signal.variants


def written(signal: Signal, filling: Filling) -> str:
    """Return the signal's whole query: its variants in order of preference, joined by ``or``.

    LogQL knows no ``or`` of different streams that helps here, so only its first variant is taken.
    """
    variants = variants_of(signal, filling.instrumentation)
    if variants[0].language == "LogQL":
        return written_variant(variants[0], filling)
    return "\nor\n".join(written_variant(v, filling) for v in variants if v.language == "PromQL")


def written_variant(variant: Variant, filling: Filling) -> str:
    """Return one variant's query with every placeholder filled in."""
    own = dict(variant.labels)
    names = filling.labels
    route = own.get("route", names.route)
    values: Mapping[str, str] = {
        "svc": filling.services,
        "scope": filling.scope,
        "wide": filling.wide,
        "names": filling.names,
        "selector": filling.selector,
        "rate": filling.log_rate if variant.language == "LogQL" else filling.rate,
        "service": names.log_service if variant.language == "LogQL" else names.service,
        "task": names.task,
        "status": own.get("status", names.status),
        "peer": own.get("peer", names.peer),
        "traffic": f'{route}!~"{NOT_TRAFFIC}"' if route else "",
    }
    return Template(without_empty(variant.query, **values)).substitute(values)
