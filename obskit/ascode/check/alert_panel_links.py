"""An alert's link to its panel resolves.

What it looks for: in Prometheus rule files (``*.yml``, ``*.yaml``) of the alerts' folder and below it,
annotations that point at a dashboard: ``__dashboardUid__`` with ``__panelId__`` (Grafana's own),
``dashboard`` and ``dashboard_url`` (a uid, or an address with ``/d/UID``, ``viewPanel=ID``). The
dashboard must be defined, and have the panel. A file that is no YAML, and a ``__panelId__`` alone,
are problems too.

Why: the alert wakes somebody, who clicks. Without the panel the first five minutes go into finding
the right graph.

How to mend it: correct uid or id. `obskit dashboards build` writes both into its JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from obskit.ascode.check import Case, Skipped
from obskit.ascode.check._links import dashboard_in, panel_in
from obskit.ascode.check._shape import listed, mapping
from obskit.ascode.definition import Definition, Problem, shown

#: By uid; None for one whose definition could not be read.
_Defined: TypeAlias = dict[str, Definition | None]

_UID = re.compile(r"[A-Za-z0-9_-]+")


def problems(case: Case) -> Iterable[Problem]:
    """Yield each link of an alert that leads nowhere.

    Raises:
        Skipped: There is no folder of alerts.
    """
    if not case.alerts.is_dir():
        raise Skipped(f"there is no folder {shown(case.alerts)}: name the one that holds the rule files")
    import yaml  # only this check reads YAML

    defined: _Defined = dict.fromkeys(case.unread)
    defined |= {definition.uid: definition for definition in case.definitions}
    for path in sorted(p for p in case.alerts.rglob("*") if p.suffix in (".yml", ".yaml") and p.is_file()):
        try:
            text = path.read_text(encoding="utf-8")
            rules = yaml.safe_load(text)
        except (OSError, UnicodeDecodeError, RecursionError) as error:
            yield _problem(path, f"the file cannot be read: {error}")
        except yaml.YAMLError as error:
            place = getattr(error, "problem_mark", None)
            said = str(getattr(error, "problem", "") or "").strip()
            yield _problem(path, f"the file is no YAML: {said}", line=place.line + 1 if place else 0)
        else:
            yield from _of(path, text, rules, defined)


def _of(path: Path, text: str, rules: Any, defined: _Defined) -> Iterator[Problem]:
    for group in listed(mapping(rules).get("groups")):
        for rule in listed(group.get("rules")):
            notes = rule.get("annotations")
            name = str(rule.get("alert") or "")
            if name and isinstance(notes, dict):
                for wrong in _wrong({str(k): str(v) for k, v in notes.items()}, defined):
                    yield _problem(path, f"the alert {name!r} {wrong}", line=_line_of(text, name))


def _wrong(notes: dict[str, str], defined: _Defined) -> Iterator[str]:
    uid, number = notes.get("__dashboardUid__", ""), notes.get("__panelId__", "")
    if uid:
        yield from _missing(uid, number, defined)
    elif number:
        yield "has a __panelId__ and no __dashboardUid__"
    for key in ("dashboard", "dashboard_url"):
        link = notes.get(key, "").strip()
        uid = dashboard_in(link) or (link if _UID.fullmatch(link) else "")
        if uid:
            panel = panel_in(link)
            yield from _missing(uid, str(panel) if panel else "", defined)
        elif link and "{{" not in link:
            yield f"has the {key} {link!r}, which names no dashboard"


def _missing(uid: str, panel: str, defined: _Defined) -> Iterator[str]:
    if uid not in defined:
        yield f"points at the dashboard {uid!r}, which is not defined"
        return
    there = defined[uid]
    if panel and there and panel not in {str(p.get("id")) for p in there.panels if p.get("id") is not None}:
        yield f"points at panel {panel} of {uid!r}, which has no such panel"


def _line_of(text: str, alert: str) -> int:
    found = re.search(rf"^[\s-]*alert:\s*[\"']?{re.escape(alert)}[\"']?\s*(?:#.*)?$", text, re.MULTILINE)
    # The match may begin in empty lines above: its end is on the line that names the alert.
    return text.count("\n", 0, found.end()) + 1 if found else 0


def _problem(path: Path, message: str, line: int = 0) -> Problem:
    return Problem(check="", message=message, file=shown(path), line=line)
