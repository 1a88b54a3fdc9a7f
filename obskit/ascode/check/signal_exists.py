"""A panel that names a signal names one of the catalogue.

What it looks for: a panel whose description ends in ``Signal: `id`.`` with an id that the catalogue
does not have.

Why: the report says "see http_error_ratio"; the reader looks for the panel of that name. One that
names a signal that was renamed shows a query that nothing argues with any more.

How to mend it: name a signal that there is; `obskit doctor` lists them.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.definition import Problem, signals_of
from obskit.catalogue import all_signals
from obskit.settings_values import nearest


def problems(case: Case) -> Iterable[Problem]:
    """Yield each unknown signal that a panel names."""
    known = all_signals()
    for definition in case.definitions:
        for panel in definition.panels:
            for name in signals_of(panel):
                if name not in known:
                    yield definition.problem(
                        f"there is no signal {name!r}",
                        panel=panel,
                        line=definition.line_of(name, str(panel.get("title") or "")),
                        hint=nearest(name, known, otherwise="see obskit/catalogue"),
                    )
