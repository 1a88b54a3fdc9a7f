"""What a push of rules would do: create, change, delete, and what it refuses.

Each rule group of ours lies under a name of its own that begins with ``obskit-``: a file in a
folder that Prometheus reads, a namespace of Amazon Managed Prometheus, or one of the ruler of
Mimir or Loki. Nothing else is ever changed; what only looks like ours is refused; and what left
the repository is deleted when that is asked for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from obskit.ascode.alerts.build import Group
from obskit.ascode.alerts.push_compare import changes, same
from obskit.ascode.compare import Change
from obskit.ascode.plan import PRUNE_LIMIT
from obskit.errors import SourceError, UsageError
from obskit.escape import clean
from obskit.settings import Connection, Settings

Document = dict[str, Any]
Kind = Literal["create", "update", "unchanged", "delete", "left", "refused"]

#: What the name of all that is ours begins with.
PREFIX = "obskit-"
_TO = "dir:PATH, amp:WORKSPACE_ID, mimir:URL or loki:URL"


class PushError(SourceError):
    """A target could not be read or changed.

    Attributes:
        again: The same may succeed later: it was away or busy.
        stop: Every other request would meet the same.
    """

    def __init__(
        self, what: str, *, where: dict[str, str] | None = None, hint: str = "", again: bool = True, stop: bool = False
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.again, self.stop = again, stop


@dataclass(frozen=True, kw_only=True)
class Held:
    """What a target holds under one name.

    Attributes:
        groups: Rule groups; () of what is none.
        foreign: Why it is not ours to change, though its name says so; "" of ours.
        kept: Why it is ours and still not to be deleted.
        unsettled: What the target says of it when it is not in use as it stands; "" when it is.
    """

    groups: tuple[Document, ...]
    foreign: str = ""
    kept: str = ""
    unsettled: str = ""


class Target(Protocol):
    """Something that evaluates rules, or that brings them to what does."""

    @property
    def name(self) -> str:
        """How it is told to a person."""

    @property
    def language(self) -> str:
        """Of the rules that it evaluates: ``PromQL`` or ``LogQL``."""

    @property
    def threads(self) -> int:
        """How many changes it takes at once."""

    def held(self) -> Mapping[str, Held]:
        """Return what it holds under names that begin with `PREFIX`.

        Raises:
            ObskitError: It could not be asked.
        """

    def put(self, name: str, group: Document) -> None:
        """Make it hold one group under a name; done when that is in use.

        Raises:
            ObskitError: It did not.
        """

    def delete(self, name: str) -> None:
        """Take away what it holds under a name; no error when that is gone.

        Raises:
            ObskitError: It did not.
        """

    def finish(self, names: Sequence[str]) -> str:
        """Have what was written used, and return what a person should know of that; "" for nothing.

        Raises:
            ObskitError: It is not used.
        """


@dataclass(frozen=True, kw_only=True)
class Action:
    """What a push does with one rule group.

    Attributes:
        kind: ``left`` is ours, defined no more, and stays because it was not asked to be deleted.
        name: Of the group, and of what holds it.
        rules: How many the group has; of what is not ours any more, how many are there.
        changes: From what is there to what is defined.
        why: Of what is refused: the reason. Of what is there and not in use: what the target says.
        foreign: It only looks like ours: refused, and no difference from the repository.
        group: What is put; None where nothing is.
        held: What the plan was made on.
    """

    kind: Kind
    name: str
    rules: int = 0
    changes: tuple[Change, ...] = ()
    why: str = ""
    foreign: bool = False
    group: Document | None = field(default=None, repr=False)
    held: Held | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a push would do.

    Attributes:
        target: Whereto, for a person.
        actions: What is defined, by name, then what is defined no more.
    """

    target: str
    actions: tuple[Action, ...]

    @property
    def differs(self) -> bool:
        """Whether the target holds anything but what the repository says."""
        return any(action.kind != "unchanged" and not action.foreign for action in self.actions)

    def of_kind(self, *kinds: Kind) -> tuple[Action, ...]:
        """Return the actions of some kinds, in order."""
        return tuple(action for action in self.actions if action.kind in kinds)


def target_for(to: str, settings: Settings) -> Target:
    """Return the target that an option names.

    Args:
        to: ``dir:PATH``, ``amp:WORKSPACE_ID``, ``mimir:URL`` or ``loki:URL``; the last two without an
            address for the configured Prometheus and Loki.
        settings: Who we are there, and which Prometheus reads the folder.

    Raises:
        UsageError: It names none.
        SettingsError: The connection cannot be used, or an address is none.
    """
    from obskit.ascode.alerts.push_amp import Amp
    from obskit.ascode.alerts.push_folder import Folder
    from obskit.ascode.alerts.push_ruler import Ruler

    kind, _, place = to.partition(":")
    if kind == "dir" and place:
        return Folder(Path(place).expanduser(), settings.prometheus)
    if kind == "amp" and re.fullmatch(r"[0-9A-Za-z][-.\w]{0,63}", place, re.ASCII):
        return Amp(place, settings.aws, region=settings.aws.region or settings.prometheus.sigv4_region)
    if kind == "mimir":
        return Ruler(_connection(settings.prometheus, place, "prometheus"), "mimir")
    if kind == "loki":
        return Ruler(_connection(settings.loki, place, "loki"), "loki")
    raise UsageError(f"rules cannot be pushed to {clean(to)!r}", hint=f"name {_TO}")


def _connection(configured: Connection, url: str, source: str) -> Connection:
    """Return how to reach an address: as whom we are configured for that server, and as nobody elsewhere.

    A token is for nobody but the server that it was given for; its path may be another (``/prometheus``).
    """
    from obskit.settings_values import Given, checked

    if not url and not configured.url:
        hint = f"name it in --to, or set OBSKIT_{source.upper()}_URL"
        raise UsageError(f"no address of {source} is known", hint=hint)
    if not url:
        return configured
    url = checked(Given("to.url", url, "--to", Path.cwd()))
    ours = urlsplit(url)[:2] == urlsplit(configured.url)[:2]
    return replace(configured, url=url) if ours else Connection(url=url)


def plan(target: Target, groups: Sequence[Group], *, prune: bool, prune_limit: int = PRUNE_LIMIT) -> Plan:
    """Read what a target holds and return what a push would do; changes nothing.

    Args:
        target: From `target_for`.
        groups: All rule groups of the repository; those in a language that the target does not speak
            are left out. With *prune*, one that is not among them is one to delete.
        prune: Delete what is ours and defined no more.
        prune_limit: Beyond so many deletions none is made.

    Raises:
        ObskitError: The target could not be read; without it there is no plan.
        UsageError: Two groups have the same name, or one has none of ours.
    """
    defined = [group for group in groups if group.language == target.language]
    times = Counter(group.name for group in defined)
    for name in times:
        if times[name] > 1 or not name.startswith(PREFIX):
            what = "two rule groups have the same name" if times[name] > 1 else f"a name does not begin with {PREFIX}"
            raise UsageError(what, where={"group": name}, hint="run: obskit alerts check")
    held = target.held()
    actions = [_wanted(group, held.get(group.name)) for group in sorted(defined, key=lambda group: group.name)]
    left = [_left(name, held[name], prune=prune) for name in sorted(held.keys() - times.keys())]
    return Plan(target=target.name, actions=(*actions, *_limited(left, prune_limit, any_defined=bool(defined))))


def _wanted(group: Group, held: Held | None) -> Action:
    document = group.document()
    action = Action(kind="create", name=group.name, rules=len(group.rules), group=document, held=held)
    if held is None:
        return action
    if held.foreign:
        return replace(action, kind="refused", group=None, why=held.foreign)
    differing = changes(held.groups, [document])
    if not differing and not held.unsettled and same(held.groups, [document]):
        return replace(action, kind="unchanged", group=None)
    return replace(action, kind="update", changes=differing, why=held.unsettled)


def _left(name: str, held: Held, *, prune: bool) -> Action:
    number = sum(len(group["rules"]) for group in held.groups)
    action = Action(kind="delete" if prune else "left", name=name, rules=number, held=held)
    if held.foreign:
        return replace(action, kind="refused", why=held.foreign, foreign=True)
    return replace(action, kind="refused", why=held.kept) if prune and held.kept else action


def _limited(actions: list[Action], limit: int, *, any_defined: bool) -> list[Action]:
    """Refuse all deletions when they are suspiciously many."""
    number = sum(action.kind == "delete" for action in actions)
    if number and not any_defined:
        why = "no rule for it is defined here at all: is this the right folder?"
    elif number > limit:
        why = f"{number} groups would be deleted, more than {limit}: is this checkout stale? --prune-limit {number}"
    else:
        return actions
    return [replace(a, kind="refused", why=why) if a.kind == "delete" else a for a in actions]
