"""What placeholders stand for in the commands and queries that causes give.

They are ``$service`` and ``$cluster`` (under investigation), ``$culprit`` and ``$task`` (blamed), ``$family`` (of the
service's task definition) and ``$before`` (the revision of it that ran before the last release). One whose value is
not known stands there in capitals: ``TASK``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from string import Template

#: What is safe in a shell word and inside a quoted label value; ECS allows no more in a name.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
#: A revision of a task definition as ECS writes it: ``shop-api:57``.
_REVISION = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]*):([0-9]{1,9})")


def names(
    service: str, cluster: str, blamed: str, *, task: str = "", revisions: Collection[str] = ()
) -> dict[str, str]:
    """Return what the placeholders of commands and queries stand for.

    Names come from labels and alerts, and commands are pasted into shells: one that holds more
    than ECS allows in a name is not filled in, the reader does that with open eyes.

    Args:
        service, cluster: Under investigation.
        blamed: The service that a cause blames.
        task: The task that it blames, "" where it blames none.
        revisions: Of the service's task definition, as its tasks named them, in any order.
    """
    family, before = _released(revisions)
    told = {"service": service, "cluster": cluster, "culprit": blamed, "task": task, "family": family}
    plain = {key: name if _PLAIN.fullmatch(name) else key.upper() for key, name in told.items()}
    return {**plain, "before": f"{plain['family']}:{before or 'REVISION'}"}


def _released(revisions: Collection[str]) -> tuple[str, str]:
    """Return the one family of these revisions, and the number of the older one where there are two.

    ECS counts a family's revisions up. Of three or more, what ran before the last release is not told by the numbers.
    """
    found = [m.groups() for r in revisions if (m := _REVISION.fullmatch(r))]
    numbers = sorted({int(number) for _, number in found})
    families = {family for family, _ in found}
    if len(families) != 1:
        return "", ""
    return families.pop(), str(numbers[0]) if len(numbers) == 2 else ""


def whole(task: str, known: Iterable[str]) -> str:
    """Return a task's whole id, which ECS asks for, where only its beginning is told: as labels may cut it.

    Args:
        task: Its id, or the beginning of it.
        known: Ids that were seen anywhere.

    Returns:
        The longest that begins so; *task* itself where none, or more than one, does.
    """
    longer = {name for name in known if task and len(name) > len(task) and name.startswith(task)}
    return longer.pop() if len(longer) == 1 else task


def filled(text: str, known: Mapping[str, str]) -> str:
    """Return a command or query with its placeholders filled in; what is no placeholder of ours stays as it is."""
    return Template(text).safe_substitute(known)
