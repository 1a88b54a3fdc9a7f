"""Security findings that are meant: each says which, where, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from obskit.deploy.spec_check._problem import Problem, error

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import StackSpec

#: Of Security Hub (service.number) and of Checkov.
_ID = re.compile(r"[A-Z][A-Za-z0-9]{1,30}\.[0-9]{1,3}|CKV2?_AWS_[0-9]{1,4}")
_RESOURCE = re.compile(r"[a-z0-9_*?-]+\.[A-Za-z0-9*?-]+|[a-z0-9_.?-]*\*[A-Za-z0-9_.*?-]*")


def check(spec: StackSpec, place: Place | None) -> Iterator[Problem]:
    """Yield waivers that waive nothing, or say no reason."""
    del place
    seen: set[tuple[str, str]] = set()
    for number, waiver in enumerate(spec.waivers, 1):
        key = f"waivers[{number}]"
        if not _ID.fullmatch(waiver.id):
            yield error(f"{key}.id", waiver.id, "is no finding's id", "as in ECS.20, CKV_AWS_149")
        if not any(letter.isalpha() for letter in waiver.reason):
            yield error(f"{key}.reason", waiver.reason, "is no reason", "a sentence that an auditor understands")
        if not _RESOURCE.fullmatch(waiver.resource):
            allowed = 'an address or a pattern: "task_definition.demo-app", "task_definition.*"'
            yield error(f"{key}.resource", waiver.resource, "is no address", allowed)
        if (waiver.id, waiver.resource) in seen:
            yield error(key, None, f"waives {waiver.id} of {waiver.resource} a second time", "each once")
        seen.add((waiver.id, waiver.resource))
