"""The role that a GitHub Actions workflow takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from obskit.deploy.spec import Ci
from obskit.deploy.spec_check._problem import Problem, error, warning

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import StackSpec

_REPOSITORY = re.compile(r"[A-Za-z0-9](-?[A-Za-z0-9]){0,38}/[A-Za-z0-9._-]{1,100}")
#: A wildcard would let every branch, so every pull request's author, take the role.
_BRANCH = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._/+-]{0,200}")
_ENVIRONMENT = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._ -]{0,254}")


def check(spec: StackSpec, place: Place | None) -> Iterator[Problem]:
    """Yield what GitHub would not call so, and what would let anybody in."""
    del place
    ci = spec.ci
    if not ci.repository:
        if ci != Ci():
            yield warning("ci.repository", None, "is missing, so no role is made", "owner/name")
        return
    if not _REPOSITORY.fullmatch(ci.repository) or ci.repository.endswith(("/.", "/..", ".git")):
        yield error("ci.repository", ci.repository, "is no repository", "owner/name, without address and .git")
    if ci.environment:
        if not _ENVIRONMENT.fullmatch(ci.environment):
            allowed = "one name, without wildcards"
            yield error("ci.environment", ci.environment, "is no environment of GitHub", allowed)
    elif not _BRANCH.fullmatch(ci.branch):
        yield error("ci.branch", ci.branch, "is no branch", "one name without wildcards, or an environment")
