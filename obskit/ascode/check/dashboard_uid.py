"""Every dashboard sets a uid that Grafana takes.

What it looks for: a missing uid, one that is longer than 40 characters, or one with other
characters than letters, digits, ``-`` and ``_``.

Why: without a uid Grafana makes up a new one at each push: the links in alerts, runbooks and
reports lead nowhere after the next release. One that it does not take fails the push halfway.

How to mend it: set one that is made from the file's name and never changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.definition import Problem

#: Grafana's own limit and alphabet of uids (its util.IsValidShortUID and IsShortUIDTooLong).
_LONGEST = 40
_VALID = re.compile(r"[A-Za-z0-9_-]+")


def problems(case: Case) -> Iterable[Problem]:
    """Yield each dashboard without a usable uid."""
    for definition in case.definitions:
        uid = definition.uid
        line = definition.line_of(uid)
        if not uid:
            yield definition.problem("the dashboard has no uid", hint="set one that never changes")
        elif not _VALID.fullmatch(uid):
            yield definition.problem(
                f"the uid {uid!r} has characters that Grafana refuses", line=line, hint="use letters, digits, - and _"
            )
        elif len(uid) > _LONGEST:
            yield definition.problem(
                f"the uid {uid!r} has {len(uid)} characters", line=line, hint=f"Grafana takes at most {_LONGEST}"
            )
