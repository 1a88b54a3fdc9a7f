"""How a push tells what it made: a tag on the dashboard, and a message with each version.

The tag (`DashboardSettings.mark`) finds dashboards. The message proves: a copy made with "Save as"
keeps the tag, a restored version gets a message of Grafana's own, and a person who repeats one of
ours with other content is found out by the digest. It keeps mistakes apart, not attackers: whoever
may save dashboards can work a digest out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from obskit.ascode.canonical import fingerprint
from obskit.ascode.definition import Model
from obskit.ascode.grafana import ROOT, Grafana, Stored, Version

_OURS = re.compile(r"obskit (?P<mark>\S+) (?P<folder>\S+) \S+ (?P<digest>[0-9a-f]{12})")
#: What a word of a message may be, as it is.
_WORD = re.compile(r"[!-~]{1,80}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """A version that a push under our mark made.

    Attributes:
        folder_uid: Where that push put its dashboards; "" for the root.
        model: What it holds.
    """

    number: int
    folder_uid: str
    model: Model = field(repr=False)


def marked(model: Model, mark: str) -> Model:
    """Return the model as it is pushed: with the tag that says that it is ours."""
    tags = model.get("tags")
    return {**model, "tags": sorted({*map(str, tags if isinstance(tags, list | tuple) else ()), mark})}


def message_of(model: Model, *, mark: str, folder_uid: str, commit: str) -> str:
    """Return the message of a version of ours: ``obskit MARK FOLDER COMMIT DIGEST``.

    Args:
        model: What is saved.
        mark: The tag; one that is no single word is named by a digest of its own.
        folder_uid: Where this push puts its dashboards; "" for the root.
        commit: "" when it is not known.
    """
    known = commit if _WORD.fullmatch(commit) else "unknown"
    return f"obskit {_word(mark)} {folder_uid or ROOT} {known} {fingerprint(model)}"


def newest_of_ours(grafana: Grafana, stored: Stored, versions: Sequence[Version], mark: str) -> Ours | None:
    """Return the newest version that a push under our mark made, None when there is none.

    Args:
        grafana: Asked for what a version holds, unless that is the newest.
        stored: The dashboard as it is.
        versions: Of it, newest first.
        mark: Ours; what was pushed under another is not ours.

    Raises:
        GrafanaError: A version could not be read.
    """
    for version in versions:
        said = _OURS.fullmatch(version.message)
        if said is None or said["mark"] != _word(mark):
            continue
        newest = version.number == stored.version
        model = stored.model if newest else grafana.version(stored.uid, version.number)
        if fingerprint(model) == said["digest"]:
            folder = said["folder"]
            return Ours(number=version.number, folder_uid="" if folder == ROOT else folder, model=model)
    return None


def _word(mark: str) -> str:
    return mark if _WORD.fullmatch(mark) else f"#{hashlib.sha256(mark.encode('utf-8', 'replace')).hexdigest()[:12]}"
