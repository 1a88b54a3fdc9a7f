"""What AWS, or the design, would refuse of a spec: asked offline, before any call.

One topic a file. Each has ``check(spec, place)`` (a spec alone is enough; the place sharpens it) or
``check_services(services, spec, place)`` (what the spec makes of it; asked once nothing else is wrong), and
yields problems. Only `problems` puts them together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from obskit.deploy.spec_check._problem import HIDDEN, Problem, error, located, path_of, refusal
from obskit.discover import modules_in

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import StackSpec

__all__ = ["HIDDEN", "Problem", "assumed_place", "error", "located", "path_of", "problems", "refusal", "require"]


def problems(spec: StackSpec, place: Place | None = None) -> tuple[Problem, ...]:
    """Return all that is wrong with a spec, errors first.

    Args:
        spec: As it was read.
        place: Where it shall stand; None where nobody was asked yet.
    """
    found = list(_asked("check", spec, place))
    if not any(problem.severity == "error" for problem in found):
        from obskit.deploy.services import services

        place = place or assumed_place(spec)
        found += _asked("check_services", services(spec, place), spec, place)
    return tuple(sorted(found, key=lambda problem: problem.severity))  # "error" is before "warning"


def require(
    spec: StackSpec,
    place: Place | None = None,
    *,
    origin: str = "the stack",
    lines: Mapping[str, int] | None = None,
) -> tuple[Problem, ...]:
    """Return the warnings about a spec.

    Args:
        spec: As it was read.
        place: Where it shall stand.
        origin: The file, for the error's headline.
        lines: Of the file's keys, see `obskit.deploy.spec_lines.lines_of`.

    Raises:
        SettingsError: There are errors; it tells of all.
    """
    found = located(problems(spec, place), lines or {})
    errors = [problem for problem in found if problem.severity == "error"]
    if errors:
        raise refusal(errors, origin)
    return found


def _asked(function: str, *arguments: Any) -> Iterator[Problem]:
    for module in modules_in(__name__):
        if asked := getattr(module, function, None):
            yield from asked(*arguments)


def assumed_place(spec: StackSpec, region: str = "", partition: str = "aws") -> Place:
    """Return a place of which nobody was asked anything: hardly shorter in words than the real one will be.

    Args:
        spec: As many zones are assumed as it wants. That they are called by the first letters is a guess: which ones
            an account has, only AWS says.
        region: Where the file names none.
        partition: That the region is in. Only boto3 knows, which is not loaded to check a file; no other name of
            a partition is shorter, so that nothing is refused for its length that would fit.
    """
    from obskit.deploy.resource import Place

    region = spec.region or region or "eu-central-1"
    zones = tuple(f"{region}{letter}" for letter in "abcdef"[: spec.network.zones])
    return Place(account="0" * 12, region=region, partition=partition, zones=zones)
