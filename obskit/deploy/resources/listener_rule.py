"""Rules of the HTTPS listener: which host and path lead to which service."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from obskit.deploy.aws import quiet
from obskit.deploy.resource import STACK_TAG, Attributes, Fields, Kind, Observed, Ref, Resource, touched
from obskit.deploy.resources import _elb, _entry, _tags

if TYPE_CHECKING:
    from obskit.deploy.aws import Aws
    from obskit.deploy.resource import Place, Stack
    from obskit.deploy.services import Public
    from obskit.deploy.spec import StackSpec

#: The priority that is asked before all others; Grafana's is 10.
_FIRST: Final = 1
_METRICS: Final = "metrics"
#: Values that the conditions of one rule can have.
_MOST_VALUES: Final = 5
#: The largest priority that AWS takes. From there downwards a rule waits for its own place.
_LAST: Final = 50_000
#: Rules are made and moved at the same time; each move looks first where the others are.
_MOVING: Final = threading.Lock()


class ListenerRuleKind(Kind):
    """One rule for each public service but the default one, and before them one for metrics.

    Every rule of the stack's listeners is the stack's: one that somebody added by hand is seen as
    ``443-7`` (port and priority) and is not wanted. Two rules cannot have one priority, not even
    for a moment: one that stands where another shall go is put at the end until it is its turn.
    """

    name = "listener_rule"
    needs = ("listener",)
    replace_on = ("ListenerArn",)

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield a rule for each service that is not the listener's default, and one that keeps metrics inside."""
        yield from self._metrics(spec, place)
        default = _entry.default(spec, place)
        for service, public in _entry.behind(spec, place):
            if service.name == default:
                continue
            fields: Fields = {
                "ListenerArn": Ref("listener.https", "arn"),
                "Priority": public.priority,
                "Conditions": _conditions(public, spec.domain),
                "Actions": _elb.forward(Ref(f"target_group.{service.name}", "arn")),
            }
            yield Resource(kind=self.name, name=service.name, fields=fields, service=service.name)

    def _metrics(self, spec: StackSpec, place: Place) -> Iterator[Resource]:
        """Yield a rule that answers for metrics in the services' place: Prometheus asks the tasks themselves."""
        paths = sorted({path for service, _ in _entry.behind(spec, place) for _, path in service.metrics})
        for number, start in enumerate(range(0, len(paths), _MOST_VALUES)):
            fields: Fields = {
                "ListenerArn": Ref("listener.https", "arn"),
                "Priority": _FIRST + number,
                "Conditions": {"path-pattern": tuple(paths[start : start + _MOST_VALUES])},
                "Actions": _elb.NOTHING_HERE,
            }
            yield Resource(kind=self.name, name=f"{_METRICS}-{number + 1}", fields=fields)

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield all rules of the stack's listeners but their default actions."""
        for listener in _elb.listeners(aws, stack):
            rows = _rules(aws, listener.row["ListenerArn"])
            for found in _elb.with_tags(aws, rows, "RuleArn"):
                if found.tags.get(STACK_TAG, stack.name) != stack.name:
                    continue
                other = f"{listener.row['Port']}-{found.row['Priority']}"
                yield Observed(
                    kind=self.name,
                    name=_tags.name_of(self.name, found.tags, stack) or other,
                    fields=_read(found.row, listener.row["ListenerArn"]),
                    attributes={"arn": found.row["RuleArn"]},
                    tags=found.tags,
                )

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create one at its priority."""
        asked: Any = resource.fields
        with _MOVING:
            _make_room(aws, asked["ListenerArn"], asked["Priority"])
            answer = aws.call(
                "elbv2",
                "create_rule",
                ListenerArn=asked["ListenerArn"],
                Priority=asked["Priority"],
                Conditions=_as_conditions(asked["Conditions"]),
                Actions=_elb.as_actions(asked["Actions"]),
                Tags=_tags.as_list(resource.tags),
            )
        return {"arn": answer["Rules"][0]["RuleArn"]}

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Move it, or write its conditions and actions."""
        asked: Any = resource.fields
        arn = before.attributes["arn"]
        if touched(paths, "Conditions", "Actions"):
            aws.call(
                "elbv2",
                "modify_rule",
                idempotent=True,
                RuleArn=arn,
                Conditions=_as_conditions(asked["Conditions"]),
                Actions=_elb.as_actions(asked["Actions"]),
            )
        # Another rule's move may have taken this one from a place that was right when the plan was made.
        with _MOVING:
            if not _make_room(aws, asked["ListenerArn"], asked["Priority"], arn):
                _move(aws, arn, asked["Priority"])
        return {"arn": arn}

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags."""
        _elb.write_tags(aws, before.attributes["arn"], tags)

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete one."""
        arn = before.attributes["arn"]
        quiet(lambda: aws.call("elbv2", "delete_rule", idempotent=True, RuleArn=arn))


def _make_room(aws: Aws, listener: str, priority: int, arn: str = "") -> bool:
    """Put whoever stands at a priority at the end; return whether the rule itself stands there."""
    at = {int(row["Priority"]): row["RuleArn"] for row in _rules(aws, listener)}
    there = at.get(priority)
    if there is not None and there != arn:
        _move(aws, there, next(free for free in range(_LAST, 0, -1) if free not in at))
    return there is not None and there == arn


def _move(aws: Aws, arn: str, priority: int) -> None:
    moved = [{"RuleArn": arn, "Priority": priority}]
    aws.call("elbv2", "set_rule_priorities", idempotent=True, RulePriorities=moved)


def _rules(aws: Aws, listener: str) -> list[Mapping[str, Any]]:
    rows = aws.pages("elbv2", "describe_rules", "Rules", ListenerArn=listener)
    return [row for row in rows if not row.get("IsDefault")]


def _conditions(public: Public, domain: str) -> Fields:
    """Return what a request has to be: a service without a host of its own is reached under the domain."""
    path = {"path-pattern": (public.path,)} if public.path else {}
    return {"host-header": ((public.host or domain).lower(),), **path}


def _as_conditions(conditions: Mapping[str, tuple[str, ...]]) -> list[dict[str, Any]]:
    return [{"Field": name, "Values": list(conditions[name])} for name in sorted(conditions)]


def _read(row: Mapping[str, Any], listener: str) -> Fields:
    return {
        "ListenerArn": listener,
        "Priority": int(row["Priority"]),
        "Conditions": dict(_read_conditions(row.get("Conditions") or ())),
        "Actions": _elb.read_actions(row.get("Actions") or ()),
    }


def _read_conditions(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each condition's values, which AWS keeps in one of two places; a second one of a kind is numbered."""
    seen: dict[str, int] = {}
    for row in rows:
        field = row["Field"]
        seen[field] = seen.get(field, 0) + 1
        configs = [value for key, value in row.items() if key.endswith("Config")]
        values = row.get("Values") or [text for config in configs for text in _texts(config)]
        yield field if seen[field] == 1 else f"{field}-{seen[field]}", tuple(sorted(values))


def _texts(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a condition's configuration compares with, whatever its shape."""
    for value in (*(config.get("Values") or ()), *(config.get("RegexValues") or ())):
        yield "=".join((value.get("Key", ""), value["Value"])) if isinstance(value, Mapping) else str(value)


KIND = ListenerRuleKind()
