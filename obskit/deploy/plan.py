"""From what is wanted and what AWS has to the steps between them. Pure: no call, no clock.

Resources are looked at in the order of their needs, so that one whose id will be new makes the fields
that refer to it `Unknown`, which is a difference by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from obskit.deploy.resource import (
    COMMIT_TAG,
    Attributes,
    Fields,
    Kind,
    Observed,
    Resource,
    Value,
    references,
    resolved,
    touched,
)
from obskit.errors import UsageError

Action = Literal["create", "change", "replace", "delete"]

#: Shorter attributes (a revision, a port) could stand in a field by chance.
_TELLING_LENGTH = 6


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs.

    Attributes:
        path: From the resource's fields down: ``containers.app.memory``; ``tags.owner`` for a tag.
        before: What AWS has; None for nothing.
        after: What is wanted; None for nothing.
    """

    path: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One difference between the wanted and the observed stack.

    Attributes:
        action: What will be done.
        wanted: With references; None for a deletion.
        observed: None for a creation.
        changes: Which fields differ; of a creation and a deletion none.
        loses_data: It deletes what nobody else has.
        delete_first: A replacement whose old one has to go before the new one can be created.
    """

    action: Action
    wanted: Resource | None = None
    observed: Observed | None = None
    changes: tuple[Change, ...] = ()
    loses_data: bool = False
    delete_first: bool = False

    @property
    def address(self) -> str:
        """``kind.name``."""
        return self.kind + "." + (self.wanted or self._there).name

    @property
    def kind(self) -> str:
        """Of the resource."""
        return (self.wanted or self._there).kind

    @property
    def _there(self) -> Observed:
        if self.observed is None:
            raise ValueError("a step is about something that is wanted or there")
        return self.observed


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Something that is not wanted and stays all the same.

    Attributes:
        observed: What AWS has.
        reason: Why it stays.
    """

    observed: Observed
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that has to be done.

    Attributes:
        steps: In an order in which they could be done one by one.
        unchanged: Addresses of what is as it shall be.
        kept: What is not wanted and stays.
        observed: What AWS had.
        known: Attributes, by address, of what stays, and those that can be foreseen of the rest: where one is there
            twice, of the one that was chosen.
    """

    steps: tuple[Step, ...]
    unchanged: tuple[str, ...] = ()
    kept: tuple[Kept, ...] = ()
    observed: tuple[Observed, ...] = ()
    known: Mapping[str, Attributes] = field(default_factory=dict)

    def of(self, action: Action) -> tuple[Step, ...]:
        """Return the steps of one kind."""
        return tuple(step for step in self.steps if step.action == action)


def plan(
    wanted: Iterable[Resource], observed: Iterable[Observed], kinds: Mapping[str, Kind], *, delete_data: bool = False
) -> Plan:
    """Compare.

    Args:
        wanted: All that the spec wants, with tags.
        observed: All that the stack has.
        kinds: By name, in the order of their needs.
        delete_data: Also delete what holds data and is wanted no more.

    Raises:
        UsageError: Resources need each other in a circle, or one that nobody wants.
    """
    there = tuple(observed)
    by_address: dict[str, list[Observed]] = defaultdict(list)
    for one in there:
        by_address[one.address].append(one)
    known: dict[str, Attributes] = {}
    going = set[str]()  # replaced, and the old one cannot go while somebody refers to it
    steps: list[Step] = []
    unchanged: list[str] = []
    for resource in in_order(wanted):
        candidates = by_address.pop(resource.address, [])
        if not candidates:
            steps.append(Step(action="create", wanted=resource))
            known[resource.address] = kinds[resource.kind].foreseen(resource)
            continue
        compared = [(one, _compared(resource, one, known)) for one in candidates]
        best, changes = min(compared, key=lambda pair: len(pair[1]))
        by_address[resource.address] = [one for one in candidates if one is not best]
        forced = any(ref.address in going for ref in references(resource.fields))
        step = _step(resource, best, changes, kinds[resource.kind], forced=forced)
        if step and step.delete_first and not kinds[resource.kind].goes_freely:
            going.add(resource.address)
        known[resource.address] = _kept_attributes(resource, best, step, kinds[resource.kind])
        if step:
            steps.append(step)
        else:
            unchanged.append(resource.address)
    surplus = [one for rest in by_address.values() for one in rest]
    gone, kept = parted(surplus, kinds, delete_data=delete_data)
    deletes = [Step(action="delete", observed=one, loses_data=one.keeps_data) for one in deleting_order(gone, kinds)]
    return Plan(steps=(*steps, *deletes), unchanged=tuple(unchanged), kept=kept, observed=there, known=known)


def plan_destroy(observed: Iterable[Observed], kinds: Mapping[str, Kind], *, delete_data: bool = False) -> Plan:
    """Return the steps that leave nothing of a stack, but for what holds data and what that stands on.

    Args:
        observed: All that the stack has.
        kinds: By name, in the order of their needs.
        delete_data: Delete data as well.
    """
    return plan((), observed, kinds, delete_data=delete_data)


def in_order(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """Return resources so that each comes after all that it needs; else in the given order.

    Raises:
        UsageError: They need each other in a circle, or one that nobody wants.
    """
    left = {resource.address: resource for resource in resources}
    missing = {(r.address, need) for r in left.values() for need in r.needs if need not in left}
    if missing:
        address, need = min(missing)
        raise UsageError(f"{address} needs {need}, which nobody wants", hint="this is a defect of obskit: report it")
    ordered: dict[str, Resource] = {}
    while left:
        ready = [r for r in left.values() if r.needs <= ordered.keys()]
        if not ready:
            raise UsageError(f"resources need each other in a circle: {', '.join(sorted(left))}")
        for resource in ready:
            ordered[resource.address] = left.pop(resource.address)
    return tuple(ordered.values())


def deleting_order(observed: Iterable[Observed], kinds: Mapping[str, Kind]) -> tuple[Observed, ...]:
    """Return resources so that each comes before all that its kind needs."""
    rank = {name: index for index, name in enumerate(kinds)}
    return tuple(sorted(observed, key=lambda one: (-rank[one.kind], one.name)))


def differences(wanted: Fields, observed: Fields) -> tuple[Change, ...]:
    """Return the paths at which two sets of fields differ. ``None`` and absence are the same.

    Mappings are compared key by key, whatever stands on one side only included; other values, lists too,
    as wholes.
    """
    return tuple(_differences("", wanted, observed))


def _differences(path: str, wanted: Value, observed: Value) -> Iterator[Change]:
    if isinstance(wanted, Mapping) and isinstance(observed, Mapping):
        for key in sorted(wanted.keys() | observed.keys()):
            yield from _differences(f"{path}.{key}" if path else key, wanted.get(key), observed.get(key))
    elif wanted != observed or isinstance(wanted, bool) != isinstance(observed, bool):
        yield Change(path, observed, wanted)


def with_others(resource: Resource, observed: Observed) -> Resource:
    """Return the resource with what others own taken from what AWS has."""
    fields: Fields = resource.fields
    for path in resource.left_to_others:
        fields = _copied(fields, observed.fields, tuple(path.split(".")))
    return replace(resource, fields=fields)


def _copied(into: Fields, source: Value, path: tuple[str, ...]) -> Fields:
    head, rest = path[0], path[1:]
    if not isinstance(source, Mapping) or head not in source:
        return into
    inner = into.get(head)
    if not rest:
        return {**into, head: source[head]}
    return {**into, head: _copied(inner, source[head], rest)} if isinstance(inner, Mapping) else into


def _compared(resource: Resource, observed: Observed, known: Mapping[str, Attributes]) -> tuple[Change, ...]:
    wanted = resolved(with_others(resource, observed), known)
    changes = differences(wanted.fields, observed.fields)
    return (*changes, *_tag_changes(resource, observed))


def _tag_changes(resource: Resource, observed: Observed) -> Iterator[Change]:
    """Yield our tags that differ. Tags of others (cost tools, AWS itself) are theirs."""
    if observed.tags is None:
        return
    for name in sorted(resource.tags.keys() - {COMMIT_TAG}):
        if observed.tags.get(name) != resource.tags[name]:
            yield Change(f"tags.{name}", observed.tags.get(name), resource.tags[name])


def _step(
    resource: Resource, observed: Observed, changes: tuple[Change, ...], kind: Kind, *, forced: bool
) -> Step | None:
    if not changes:
        return None
    replaced = forced or any(touched((change.path,), *kind.replace_on) for change in changes)
    return Step(
        action="replace" if replaced else "change",
        wanted=with_others(resource, observed),
        observed=observed,
        changes=changes,
        loses_data=replaced and observed.keeps_data,
        delete_first=replaced and (forced or not kind.create_first),
    )


def _kept_attributes(resource: Resource, observed: Observed, step: Step | None, kind: Kind) -> Attributes:
    """Return the attributes that stay what they are when the step is done, or that can be foreseen."""
    if step is None:
        return observed.attributes
    if step.action == "replace":
        return kind.foreseen(resource)
    if all(change.path.startswith("tags.") for change in step.changes):
        return observed.attributes
    kept = {name: value for name, value in observed.attributes.items() if name not in kind.renewed}
    return {**kept, **kind.foreseen(resource)}


def parted(
    surplus: Sequence[Observed], kinds: Mapping[str, Kind], *, delete_data: bool
) -> tuple[tuple[Observed, ...], tuple[Kept, ...]]:
    """Part what is wanted no more into what goes and what stays.

    Args:
        surplus: What is wanted no more.
        kinds: By name: nothing stands on a kind that its own does not need, though a name of one may be
            in the fields of the other.
        delete_data: Whether what holds data goes too.

    Returns:
        What goes, and what stays: what holds data, and what that stands on.
    """
    if delete_data:
        return tuple(surplus), ()
    kept = [Kept(observed=one, reason="it holds data") for one in surplus if one.keeps_data]
    frontier = [k.observed for k in kept]
    while frontier:
        stands_on = [
            (one, holder)
            for holder in frontier
            for one in held_by(holder, surplus)
            if one.kind in kinds[holder.kind].needs and not any(k.observed is one for k in kept)
        ]
        fresh = {id(one): (one, holder) for one, holder in stands_on}
        kept += [Kept(observed=one, reason=f"{holder.address} needs it") for one, holder in fresh.values()]
        frontier = [one for one, _ in fresh.values()]
    stays = {id(k.observed) for k in kept}
    return tuple(one for one in surplus if id(one) not in stays), tuple(kept)


def held_by(holder: Observed, others: Iterable[Observed]) -> list[Observed]:
    """Return those of others whose id, ARN or name stands in a holder's fields."""
    texts = set(_texts(holder.fields))
    return [
        one
        for one in others
        if one is not holder and any(len(v) >= _TELLING_LENGTH and v in texts for v in one.attributes.values())
    ]


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, tuple):
        for inner in value:
            yield from _texts(inner)
