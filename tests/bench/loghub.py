"""What scores the mining from outside calls: the engine's own, line by line.

LogHub's samples (``NAME_2k.log_structured.csv``) name the true event of each line; see `bench_logs`.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from obskit.incident.templates import mine, template_id


def group(lines: Sequence[str]) -> list[str]:
    """Return the group of each line.

    Args:
        lines: Messages, without or with their time and level.

    Returns:
        One id a line: `template_id` of its template, the same in every run.
    """
    mined = mine(pa.array(lines, pa.large_string()))
    ids = [template_id(template) for template in mined.templates]
    return [ids[i] for i in mined.ids.tolist()]
