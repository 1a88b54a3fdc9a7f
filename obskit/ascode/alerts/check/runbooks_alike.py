"""No two runbooks say the same.

What it looks for: two pages that share more than a tenth of their passages: eight words that follow each
other, code left out, measured on the shorter page.

Why: what stands twice is corrected once. Who is sent from one page to the other and reads the same again
has lost two minutes.

How to mend it: say it in one of them and link it from the other.

Where the tenth comes from: pages on neighbouring subjects share a sentence or two, which is a twentieth of
a page of this length; a shared paragraph is more than a tenth.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.alerts.runbooks import alike
from obskit.ascode.definition import Problem

MOST_SHARED = 0.1


def problems(case: Case) -> Iterable[Problem]:
    """Yield the pairs of pages that say the same.

    Raises:
        Skipped: There is no folder of runbooks.
    """
    for one, other, share, passage in alike(case.pages, MOST_SHARED):
        words = " ".join(passage)
        yield one.problem(
            f"{share:.0%} of the passages stand in {other.path.name} too: {words!r} …",
            one.passages[passage],
            hint="say it in one of them, and link it",
        )
