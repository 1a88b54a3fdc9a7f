"""Which of a plan's works waits for which. Pure.

A step is one or two works: something is made (created or changed), something is deleted, or both. What
is made waits for what it refers to. What is deleted waits until all that may hold it is deleted or has
let go of it; who may hold what is said by the kinds' needs, so that it works without a spec, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from obskit.deploy.plan import Plan, Step, held_by
from obskit.deploy.resource import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One thing to do.

    Attributes:
        number: Unique in the plan.
        what: ``make`` or ``delete``.
        step: What it is part of.
        after: Numbers of works that come before.
    """

    number: int
    what: Literal["make", "delete"]
    step: Step
    after: frozenset[int] = frozenset()


def works(plan: Plan, kinds: Mapping[str, Kind]) -> tuple[Work, ...]:
    """Return all works of a plan, each after all that it waits for."""
    bare = [Work(number=n, what=what, step=step) for n, (what, step) in enumerate(_split(plan))]
    above = _above(kinds)
    strict = {work.number: _after(work, bare, above) for work in bare}
    soft = {work.number: _let_go(work, bare, above) for work in bare}
    return _ordered(bare, strict, soft)


def _split(plan: Plan) -> Iterable[tuple[Literal["make", "delete"], Step]]:
    for step in plan.steps:
        if step.action == "delete":
            yield "delete", step
        elif step.action != "replace":
            yield "make", step
        elif step.delete_first:
            yield "delete", step
            yield "make", step
        else:
            yield "make", step
            yield "delete", step


def _above(kinds: Mapping[str, Kind]) -> dict[str, frozenset[str]]:
    """Return for each kind those that need it, by however many steps."""
    below: dict[str, frozenset[str]] = {}
    for name, kind in kinds.items():
        below[name] = frozenset().union(*({need, *below[need]} for need in kind.needs))
    return {name: frozenset(other for other in kinds if name in below[other]) for name in kinds}


def _after(work: Work, all_works: Iterable[Work], above: Mapping[str, frozenset[str]]) -> frozenset[int]:
    """Return what a work has to wait for."""
    step = work.step
    if work.what == "delete":
        return frozenset(w.number for w in all_works if w.what == "delete" and w.step.kind in above[step.kind])
    needs = step.wanted.needs if step.wanted else frozenset()
    return frozenset(
        other.number
        for other in all_works
        if (other.what == "make" and other.step.address in needs)
        or (other.what == "delete" and step.delete_first and other.step is step)
    )


def _let_go(work: Work, all_works: Iterable[Work], above: Mapping[str, frozenset[str]]) -> frozenset[int]:
    """Return what has to be changed or made before something can go that is in use until then."""
    step = work.step
    if work.what != "delete" or step.observed is None:
        return frozenset()
    if step.delete_first:
        return frozenset()
    return frozenset(
        other.number
        for other in all_works
        if other.what == "make"
        and (
            other.step is step
            or (
                other.step.kind in above[step.kind]
                and other.step.observed is not None
                and step.observed in held_by(other.step.observed, [step.observed])
            )
        )
    )


def _ordered(
    bare: list[Work], strict: Mapping[int, frozenset[int]], soft: Mapping[int, frozenset[int]]
) -> tuple[Work, ...]:
    """Return works in an order that they can be done in; a circle is cut where something lets go of something."""
    after = {n: strict[n] | soft[n] for n in strict}
    done: dict[int, Work] = {}
    left = {work.number: work for work in bare}
    while left:
        ready = [n for n in left if after[n] <= done.keys()]
        if not ready:
            cut = [n for n in left if strict[n] <= done.keys()]
            if not cut:
                raise ValueError(f"works wait for each other: {sorted(w.step.address for w in left.values())}")
            ready = cut[:1]
            after[ready[0]] = strict[ready[0]]
        for n in ready:
            work = left.pop(n)
            done[n] = Work(number=n, what=work.what, step=work.step, after=after[n])
    return tuple(done.values())
