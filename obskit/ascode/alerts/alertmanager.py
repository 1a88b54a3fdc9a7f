"""Writes Alertmanager's configuration: who is told of what, together with what, and what keeps still meanwhile.

Secrets are never in it: receivers name files on Alertmanager's machine, as Alertmanager 0.25 and
newer read them. What inhibits what is in `obskit.ascode.alerts.inhibition`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from obskit.ascode.alerts.build import as_yaml
from obskit.ascode.alerts.expression import Writer
from obskit.ascode.alerts.inhibition import inhibitions
from obskit.ascode.alerts.rule import RuleFile
from obskit.ascode.definition import Problem
from obskit.catalogue import quoted
from obskit.errors import UsageError
from obskit.settings import AlertmanagerSettings, Receiver

__all__ = ["NOBODY", "OBSKIT", "WATCHDOG", "AlertmanagerSettings", "Receiver", "config", "problems", "text"]

Document = dict[str, Any]

#: The receiver that is told of every alert, where the settings say an address for it.
OBSKIT = "obskit"
#: A receiver that tells nobody.
NOBODY = "nobody"
#: The name of an alert that always fires: that it arrives shows that the way works.
WATCHDOG = "Watchdog"
#: What stands in a message together. By service, because a person takes care of one; by topic too, because
#: databases and nodes, which have no service, would be one message otherwise. Not by alert: an incident that
#: sets off five of them would be five calls.
GROUP_BY = ("service", "topic")
_CHECK = "alertmanager"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waits:
    """How long Alertmanager waits before it tells: at first, of something new in a group, and again."""

    first: str
    more: str
    again: str

    def document(self) -> Document:
        return {"group_wait": self.first, "group_interval": self.more, "repeat_interval": self.again}


#: Told at once, so that what looks into an alert has looked when a person is woken.
_OBSKIT = _Waits(first="5s", more="1m", again="4h")
#: An evaluation (30 s) and what it takes to arrive: a cause that fires with its symptom, but in another rule
#: group, then inhibits it before anybody is woken by both. Again after four hours: by then it was forgotten.
_PAGE = _Waits(first="45s", more="5m", again="4h")
#: Nobody acts before tomorrow: what comes within the hour is one message, and it comes again once a day.
_TICKET = _Waits(first="5m", more="1h", again="1d")
#: Whoever listens raises the alarm after some minutes without it.
_WATCHDOG = _Waits(first="0s", more="1m", again="1m")


def config(files: Iterable[RuleFile], writer: Writer, settings: AlertmanagerSettings) -> Document:
    """Return Alertmanager's configuration.

    Args:
        files: Every file of alerts, for the inhibitions and for whether there is a watchdog.
        writer: As for the rules.
        settings: Who is told of what.

    Raises:
        UsageError: What `problems` finds as an error; its first.
    """
    files = tuple(files)
    found = problems(files, settings, writer.settings.file or "settings")
    wrong = [problem for problem in found if problem.severity == "error"]
    if wrong:
        place = f"{wrong[0].file}:{wrong[0].line}" if wrong[0].line else wrong[0].file
        raise UsageError(wrong[0].message, where={"in": place}, hint=wrong[0].hint)
    watched = _watched(files)
    label = writer.settings.labels.service
    return {
        "route": _route(settings, watched=watched, label=label),
        "receivers": _receivers(settings, silent=watched and not settings.watchdog),
        "inhibit_rules": inhibitions(files, writer),
    }


def text(document: Document) -> str:
    """Return the configuration as YAML, the same bytes each time."""
    return as_yaml(document)


def problems(files: Sequence[RuleFile], settings: AlertmanagerSettings, place: str = "settings") -> tuple[Problem, ...]:
    """Return what is wrong: routes to missing receivers, receivers without what they need, unknown causes.

    Args:
        files: Every file of alerts.
        settings: Who is told of what.
        place: Where the settings stand, as a message shows it.
    """
    names = [*([OBSKIT] if settings.url else []), *(receiver.name for receiver in settings.receivers)]
    routed = [(f"alertmanager.{key}", getattr(settings, key)) for key in ("page", "ticket", "watchdog")]
    routed += [(f"alertmanager.services.{service}", name) for service, name in settings.services]
    found = []
    for key, name in routed:
        if name and name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"define [alertmanager.receivers.{name}]"
            hint = "set alertmanager.url: it is where this one listens" if name == OBSKIT else hint
            found.append(_problem(f"{key} names {name!r}, and there is no such receiver", place, hint))
    twice = sorted({name for name in names if names.count(name) > 1 or name == NOBODY})
    found += [_problem(f"the receiver {name!r} is defined twice", place, "give it another name") for name in twice]
    found += [
        _problem(f"the receiver {receiver.name!r} has no {missing}", place, f"set its {missing}")
        for receiver in settings.receivers
        if (missing := _missing(receiver))
    ]
    if not settings.page:
        hint = "set alertmanager.page to the receiver that wakes somebody"
        told = ": obskit alone is told" if settings.url else ""
        found.append(_problem(f"pages wake nobody{told}", place, hint, severity="warning"))
    if _watched(files) and not settings.watchdog:
        hint = "set alertmanager.watchdog to the receiver that raises the alarm without it"
        found.append(_problem(f"nobody notices when {WATCHDOG} stays away", place, hint, severity="warning"))
    return tuple(found)


def _watched(files: Sequence[RuleFile]) -> bool:
    """Return whether there is an alert that always fires."""
    return any(rule.name == WATCHDOG for file in files for rule in file.rules)


def _problem(message: str, place: str, hint: str, severity: Literal["error", "warning"] = "error") -> Problem:
    return Problem(check=_CHECK, message=message, file=place, hint=hint, severity=severity)


def _missing(receiver: Receiver) -> str:
    """Return the field that a receiver of its kind cannot do without, or ""."""
    needed = {"webhook": ("url",), "pagerduty": ("file",), "slack": ("file", "channel")}[receiver.kind]
    return next((field for field in needed if not getattr(receiver, field)), "")


def _route(settings: AlertmanagerSettings, *, watched: bool, label: str) -> Document:
    told = (settings.url, settings.page, settings.ticket, settings.watchdog, settings.services)
    if not any(told):
        return {"receiver": NOBODY}  # nothing to group, and nothing to wait for
    group_by = [label if name == "service" else name for name in GROUP_BY]
    routes: list[Document] = []
    if watched:
        receiver = settings.watchdog or NOBODY
        routes.append({"receiver": receiver, "matchers": [f'alertname="{WATCHDOG}"'], **_WATCHDOG.document()})
    if settings.url:
        routes.append({"receiver": OBSKIT, **_OBSKIT.document(), "continue": True})
    for severity, receiver, waits in (("page", settings.page, _PAGE), ("ticket", settings.ticket, _TICKET)):
        own = [{"receiver": name, "matchers": [f"{label}={quoted(service)}"]} for service, name in settings.services]
        if receiver or own:
            route: Document = {
                "receiver": receiver or NOBODY,
                "matchers": [f'severity="{severity}"'],
                **waits.document(),
            }
            routes.append({**route, "routes": own} if own else route)
    rest = OBSKIT if settings.url else NOBODY
    return {"receiver": rest, "group_by": group_by, **_PAGE.document(), "routes": routes}


def _receivers(settings: AlertmanagerSettings, *, silent: bool) -> list[Document]:
    own = Receiver(name=OBSKIT, url=settings.url)
    everybody = (*([own] if settings.url else []), *settings.receivers)
    nobody = silent or not settings.url or (settings.services and not (settings.page and settings.ticket))
    return [*map(_receiver, everybody), *([{"name": NOBODY}] if nobody else [])]


def _receiver(receiver: Receiver) -> Document:
    kinds: dict[str, Document] = {
        "webhook": {"url": receiver.url, "send_resolved": True, **_token(receiver.file)},
        "pagerduty": {"routing_key_file": receiver.file, "send_resolved": True},
        "slack": {"api_url_file": receiver.file, "channel": receiver.channel, "send_resolved": True},
    }
    return {"name": receiver.name, f"{receiver.kind}_configs": [kinds[receiver.kind]]}


def _token(file: str) -> Document:
    return {"http_config": {"authorization": {"credentials_file": file}}} if file else {}
