"""Names: of the stack, its services and its owner."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from obskit.deploy.spec_check._problem import Problem, error, path_of
from obskit.deploy.spec_keys import WATCHERS
from obskit.settings_values import nearest

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import StackSpec

#: The longest name that is made of it is a bucket's, with purpose, account and region: 63 letters.
LONGEST_STACK: Final = 20
#: With the stack's name before it, it fits a role's 64 letters; load balancers' 32 are met by cutting.
LONGEST_SERVICE: Final = 32
#: RDS and Cloud Map take no two hyphens in a row and none at the end.
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}")
#: ``internal-`` is the load balancer's own prefix, ``sg-`` the one of ids of security groups, and AWS keeps
#: its own name, and two of S3's, to itself.
_TAKEN = ("aws", "amazon", "internal", "sg", "xn", "sthree", "amzn")
#: Resources that a stack has besides those of its services, in kinds that both are of.
_RESERVED = ("alb", "ci", "database", "endpoints", "events", "execution", "flow-logs", "insights", "metrics-1")
#: Letters of a tag's value that every service takes.
_TAG = re.compile(r"[\w .:/=+@-]{1,256}")
_FORM = "small letters, digits and single hyphens, beginning with a letter"


def check(spec: StackSpec, place: Place | None) -> Iterator[Problem]:
    """Yield names that AWS would not take, or that two things would bear."""
    yield from _stack(spec)
    if not _TAG.fullmatch(spec.owner):
        yield error("owner", spec.owner, "is no tag", "1 to 256 letters, digits, spaces and . : / = + - @ _")
    if spec.region and not _REGION.fullmatch(spec.region):
        yield error("region", spec.region, "is no region", "as in eu-west-1")
    elif spec.region and place is not None and spec.region != place.region:
        yield error("region", spec.region, "is not where the calls go", place.region)
    yield from _services(spec)


def _stack(spec: StackSpec) -> Iterator[Problem]:
    allowed = f"{_FORM}, at most {LONGEST_STACK}"
    if not _NAME.fullmatch(spec.name) or len(spec.name) > LONGEST_STACK:
        yield error("name", spec.name, "is no stack's name", allowed)
    elif spec.name.partition("-")[0] in _TAKEN:
        yield error("name", spec.name, "begins as only AWS's own names may", f"{allowed}, and not {', '.join(_TAKEN)}")


def _services(spec: StackSpec) -> Iterator[Problem]:
    if not spec.applications:
        allowed = 'write [applications.NAME], or image = "…" at the top'
        yield error("applications", None, "are missing", allowed)
    seen: set[str] = set()
    for application in spec.applications:
        key = path_of("applications", application.name)
        if not _NAME.fullmatch(application.name) or len(application.name) > LONGEST_SERVICE:
            yield error(key, None, "is no service's name", f"{_FORM}, at most {LONGEST_SERVICE}")
        elif application.name in WATCHERS:
            yield error(key, None, "is the name of a watcher", f"another name; [{application.name}] sets its size")
        elif application.name in _RESERVED:
            yield error(key, None, "is what a part of the stack itself is called", f"none of {', '.join(_RESERVED)}")
        elif application.name in seen:
            yield error(key, None, "is there twice", "each name once")
        seen.add(application.name)
    yield from _calls(spec)


def _calls(spec: StackSpec) -> Iterator[Problem]:
    known = [a.name for a in spec.applications]
    for application in spec.applications:
        key = path_of("applications", application.name, "calls")
        for called in application.calls:
            if called == application.name:
                yield error(key, called, "is the application itself", "names of other applications")
            elif called in WATCHERS:
                yield error(key, called, "is a watcher", "names of applications; every task reaches Alloy anyway")
            elif called not in known:
                yield error(key, called, "is no application of this stack", nearest(called[:60], known))
