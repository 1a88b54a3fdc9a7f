"""Which alerts keep still while which others fire: triage's own knowledge of what brings about what.

Alertmanager knows no time and no exception: an alert that is inhibited still inhibits others. Two
that inhibit each other, or three in a circle, would silence all of them, and nobody would be told.
Triage's causes do bring each other about in circles (a database that hangs fills pools, and full
pools hang databases; there the one that began first wins). So what is written here has an order,
and each alert inhibits only what comes later in it: of any that fire together, the first is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from obskit.ascode.alerts.expression import Writer
from obskit.ascode.alerts.rule import Rule, RuleFile
from obskit.ascode.alerts.slo import Slo
from obskit.ascode.alerts.slo_rules import FAST, SLOWLY, rules_of
from obskit.incident.causes import all_causes

Document = dict[str, Any]
Edges = Mapping[str, frozenset[str]]

#: Topics of the catalogue that are about those who watch. That they fail says nothing of users, and silences
#: nothing that users feel.
WATCHERS = frozenset({"prometheus", "alertmanager", "loki", "alloy", "grafana"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alert:
    """What matters of an alert here.

    Attributes:
        service: Whether each of its alerts is of one service.
        total: Whether nothing may silence it.
    """

    name: str
    page: bool
    cause: str
    symptom: bool
    service: bool
    total: bool


def inhibitions(files: Iterable[RuleFile], writer: Writer) -> list[Document]:
    """Return Alertmanager's inhibition rules, over the alerts that there are.

    - A page whose cause triage knows inhibits the alerts of causes that it brings about, of the same
      service. Where it is about what services share, it inhibits their tickets only: which services use
      a database or a node is not in its labels, and what is inhibited still inhibits. A page that a full
      disk somewhere silenced would silence the symptoms of its service in turn.
    - A page about a cause of a service inhibits the symptoms of that service, but for those of a total
      outage (`Rule.total`): one task's page must not hide that all of them are gone.
    - A page inhibits the ticket about the same cause of the same service, and a fast burn a slow one.
    - A ticket inhibits nothing, nor does a watcher.
    """
    label = writer.settings.labels.service
    alerts = _alerts(files, writer, label)
    sources = [alert for alert in alerts if alert.page and not alert.symptom]
    services = [alert for alert in alerts if alert.service]
    found: list[Document] = []
    for cause, brought in silenced().items():
        later = [alert for alert in services if alert.cause in brought]
        tickets = [alert for alert in services if alert.cause == cause and not alert.page]
        own = [alert for alert in sources if alert.cause == cause and alert.service]
        shared = [alert for alert in sources if alert.cause == cause and not alert.service]
        found += _rule(own, [*later, *tickets], label, same=(label,))
        found += _rule(shared, [alert for alert in later if not alert.page], label)
    symptoms = [alert for alert in services if alert.symptom and not alert.total]
    found += _rule([alert for alert in sources if alert.service], symptoms, label, same=(label,))
    burning = {name: [alert for alert in services if alert.name == name] for name in (FAST, SLOWLY)}
    found += _rule(burning[FAST], burning[SLOWLY], label, same=(label, "slo"))
    return found


def _alerts(files: Iterable[RuleFile], writer: Writer, label: str) -> list[_Alert]:
    """Return each alert once, by name, without those of watchers."""
    rules: dict[str, Rule] = {}
    for file in files:
        rules |= {rule.name: rule for rule in file.rules}
        rules |= {rule.name: rule for slo in file.slos if isinstance(slo, Slo) for rule in rules_of(slo, writer)}
    return [
        _Alert(
            name=name,
            page=rule.severity == "page",
            cause=rule.cause,
            symptom=rule.kind == "symptom",
            service=label in writer.by(rule),
            total=rule.total,
        )
        for name, rule in sorted(rules.items())
        if rule.catalogued.topic not in WATCHERS
    ]


def _rule(
    sources: Sequence[_Alert], targets: Sequence[_Alert], label: str, same: tuple[str, ...] = ()
) -> list[Document]:
    """Return one rule, or none where it would be about nothing.

    Alertmanager takes a label that both lack for equal: so what is to be of the same service must have one.
    """
    if not sources or not targets:
        return []
    named = [f'{label}!=""']
    return [
        {
            "source_matchers": [_names(sources), *(named if same else [])],
            "target_matchers": [_names(targets), *named],
            **({"equal": list(same)} if same else {}),
        }
    ]


def _names(alerts: Sequence[_Alert]) -> str:
    names = sorted({alert.name for alert in alerts})
    return f'alertname=~"{"|".join(names)}"' if len(names) > 1 else f'alertname="{names[0]}"'


def silenced(edges: Edges | None = None) -> dict[str, tuple[str, ...]]:
    """Return which causes each cause silences: those that it brings about and that come later in `order`.

    Of two that bring each other about, neither silences the other.

    Args:
        edges: From a cause to what it brings about; triage's own by default.
    """
    edges = edges if edges is not None else {c.id: frozenset(c.brings_about) for c in all_causes()}
    clear = {one: frozenset(o for o in edges[one] if one not in edges.get(o, ())) for one in sorted(edges)}
    place = {cause: number for number, cause in enumerate(order(clear))}
    return {one: tuple(sorted(o for o in clear[one] if place[one] < place.get(o, -1))) for one in clear}


def order(edges: Edges) -> tuple[str, ...]:
    """Return the causes so that few bring about what comes before them.

    What nothing brings about comes first, what brings about nothing last; of the rest, which is a
    knot, that comes next which brings about the most more than it is brought about.

    Source: Eades, Lin and Smyth (1993), A fast and effective heuristic for the feedback arc set problem.
    """
    left, first, last = set(edges), list[str](), list[str]()
    while left:
        out = {one: len(edges[one] & left) for one in sorted(left)}
        into = {one: sum(one in edges[other] for other in left) for one in sorted(left)}
        ends = [one for one in out if not out[one]]
        starts = [one for one in out if not into[one]]
        if ends:
            last = [*ends, *last]
            left -= set(ends)
        elif starts:
            first += starts
            left -= set(starts)
        else:
            best = max(out, key=lambda one: out[one] - into[one])
            first.append(best)
            left.discard(best)
    return (*first, *last)
