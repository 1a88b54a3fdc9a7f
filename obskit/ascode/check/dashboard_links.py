"""Links between dashboards lead somewhere.

What it looks for: links of dashboards, panels, data and Markdown to ``/d/UID…`` where no
definition has that uid; to a panel (``viewPanel``) that the dashboard does not have; that hand on
a variable (``var-NAME``) that it does not have (a warning); a list of dashboards by tags that
none bears.

Why: the way from the overview to the detail is walked at night, once, in a hurry. It must not end
at "Dashboard not found", nor at a dashboard that ignores which service was meant.

How to mend it: correct the uid. Where a dashboard of others is meant, exclude the check for that
panel with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from obskit.ascode.check import Case
from obskit.ascode.check._links import Link, links, panel_in
from obskit.ascode.check._shape import listed, texts
from obskit.ascode.definition import Definition, Problem

_HANDED_ON = re.compile(r"[?&]var-([A-Za-z_]\w*)=")


def problems(case: Case) -> Iterable[Problem]:
    """Yield each link to a dashboard, panel or variable that is not there."""
    defined = {definition.uid: definition for definition in case.definitions}
    tags = {tag for definition in case.definitions for tag in texts(definition.model.get("tags"))}
    for definition in case.definitions:
        for link in links(definition):
            if link.dashboard and link.dashboard not in case.unread:
                yield from _of(definition, link, defined)
        for found in listed(definition.model.get("links")):
            missing = [tag for tag in texts(found.get("tags")) if tag not in tags]
            if found.get("type") == "dashboards" and missing and not case.unread:
                yield definition.problem(f"a list of dashboards asks for the tag {missing[0]!r}, which none bears")


def _of(definition: Definition, link: Link, defined: dict[str, Definition]) -> Iterator[Problem]:
    there = defined.get(link.dashboard)
    if there is None:
        yield link.problem(definition, f"no definition has the uid {link.dashboard!r}", hint="correct the uid")
        return
    panel = panel_in(link.url)
    if panel and panel not in {p.get("id") for p in there.panels}:
        yield link.problem(definition, f"{there.file} has no panel {panel}")
    known = {str(v.get("name")) for v in there.variables}
    for name in dict.fromkeys(_HANDED_ON.findall(link.url)):
        if name not in known:
            yield link.problem(definition, f"{there.file} has no variable {name!r}", severity="warning")
