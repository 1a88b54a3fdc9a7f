"""What is recorded is called level:metric:operations.

What it looks for: a recording whose name has not three parts between colons, each in lower case with
underscores (and digits), the first the labels that are left.

Why: who meets a series in a query sees from its name what was done to it and what it can be joined with.
It is how Prometheus' own documentation names them.

How to mend it: rename it, for example ``service:http_requests:rate5m``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.definition import Problem

_NAME = re.compile(r"[a-z][a-z0-9_]*:[a-z][a-z0-9_]*:[a-z][a-z0-9_]*")


def problems(case: Case) -> Iterable[Problem]:
    """Yield each recording with another name."""
    for one in case.built:
        if not one.is_alert and not _NAME.fullmatch(one.name):
            yield one.problem("a recording is called level:metric:operations")
