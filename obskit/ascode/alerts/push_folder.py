"""A folder that Prometheus reads: each group a file, written whole, then a reload that is looked after.

A file is ours when its first line says so, or when the folder's stamp lists it as it is.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any, Literal

from obskit.ascode.alerts.build import SUFFIX, as_yaml
from obskit.ascode.alerts.push_compare import groups_in
from obskit.ascode.alerts.push_plan import PREFIX, Held, PushError
from obskit.errors import SourceError, UsageError
from obskit.escape import clean
from obskit.files import STAMP, write_all
from obskit.settings import Connection

Document = dict[str, Any]

BY = "alerts push"
#: First line of what is ours; `as_yaml` writes it.
HEADER = as_yaml({}).partition("\n")[0]
#: What a reload may take: Prometheus answers after it read every file.
RELOAD_SECONDS = 60.0
_MOST_SHOWN = 3


class Folder:
    """A folder of rule files.

    Args:
        path: Where; it must be there: what Prometheus reads is not made by mistyping it.
        prometheus: Who reads it; without an address nobody is told to read it again.
    """

    language = "PromQL"
    #: The folder's stamp is one file.
    threads = 1

    def __init__(self, path: Path, prometheus: Connection) -> None:
        self._path, self._prometheus = path, prometheus

    @property
    def name(self) -> str:
        """The folder, for a person."""
        return f"folder {clean(str(self._path))}"

    def held(self) -> Mapping[str, Held]:
        """Return the files that have a name of ours.

        Raises:
            UsageError: The folder is not there, or cannot be read.
        """
        stamp = self._stamp()
        try:
            if not self._path.exists():
                shown = clean(str(self._path))
                hint = f"name one that Prometheus reads (its rule_files), or make it: mkdir -p {quote(shown)}"
                raise UsageError(f"there is no folder {shown}", hint=hint)
            files = sorted(file for file in self._path.iterdir() if _is_named(file.name))
            bodies = {file.name.removesuffix(SUFFIX): file.read_bytes() for file in files}
        except OSError as error:
            what = f"{self._path} cannot be read: {error.strerror}"
            raise UsageError(what, hint="name another folder: --to dir:PATH") from error
        return {name: _held(body, stamp.get(f"{name}{SUFFIX}", "")) for name, body in bodies.items()}

    def put(self, name: str, group: Document) -> None:
        """Write a file, whole or not at all."""
        write_all({f"{name}{SUFFIX}": as_yaml({"groups": [group]})}, self._path, by=BY, complete=False)

    def delete(self, name: str) -> None:
        """Remove a file, as long as it is still ours."""
        held = self.held().get(name)
        if held is not None and (held.foreign or held.kept):
            raise PushError("it was changed meanwhile", hint="run it again")
        path = self._path / f"{name}{SUFFIX}"
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(f"{path} cannot be removed: {error.strerror}", hint="who may write there?") from error

    def finish(self, names: Sequence[str]) -> str:
        """Have Prometheus read its rules again, and look whether it evaluates ours.

        Also when nothing was written: the run before may have ended between writing and this.

        Raises:
            SourceError: It refused, or it evaluates other rules.
        """
        if not self._prometheus.url:
            return (
                "nobody was told to read them: set OBSKIT_PROMETHEUS_URL, "
                "or send SIGHUP to the Prometheus that reads this folder"
            )
        status, said = self._ask("POST", "/-/reload")
        if status in (403, 404, 405):
            raise PushError(
                "the rules are written, and Prometheus would not read them again",
                where={"said": said},
                hint="start it with --web.enable-lifecycle, or send it SIGHUP: kill -HUP PID",
                again=False,
            )
        if status != 200:
            raise PushError(
                "the rules are written, and Prometheus goes on with what it had before",
                where={"said": said or f"status {status}"},
                hint="its log names the file and line: correct that, then run it again",
                again=status in (429, 503, 504),
            )
        return self._looked_after(names)

    def _looked_after(self, names: Sequence[str]) -> str:
        status, body = self._ask("GET", "/api/v1/rules", whole=True)
        try:
            there = {str(group["name"]) for group in json.loads(body)["data"]["groups"]}
        except (ValueError, LookupError, TypeError, RecursionError):
            return f"Prometheus read its rules again; which ones it would not say (status {status})"
        missing = [name for name in names if name not in there]
        if missing:
            first = ", ".join(missing[:_MOST_SHOWN]) + (", …" if len(missing) > _MOST_SHOWN else "")
            raise PushError(
                f"Prometheus read its rules again, and does not evaluate {len(missing)} of these groups",
                where={"said": first},
                hint=f"its prometheus.yml must name this folder: rule_files: [{self._path.resolve()}/*{SUFFIX}]",
                again=False,
            )
        return f"Prometheus evaluates these {len(names)} groups"

    def _ask(self, method: Literal["GET", "POST"], path: str, *, whole: bool = False) -> tuple[int, str]:
        from obskit.sources.http import fetch, send, server_words, session_for

        until = time.monotonic() + RELOAD_SECONDS
        session, url = session_for(self._prometheus), f"{self._prometheus.url}{path}"
        try:
            if method == "POST":
                status, body = send(session, "POST", url, name="Prometheus", deadline=until, timeout=RELOAD_SECONDS)
            else:
                timeout = self._prometheus.timeout_seconds
                status, body = fetch(session, url, name="Prometheus", deadline=until, timeout=timeout)
        except SourceError as error:
            raise PushError(
                f"the rules are written, and {error.what}", where=error.where, hint="run it again when it is there"
            ) from error
        finally:
            session.close()
        return status, body.decode("utf-8", "replace") if whole else server_words(body)

    def _stamp(self) -> dict[str, str]:
        """Return the sum of each file that a push of ours wrote; of a damaged stamp nothing is believed."""
        try:
            found = json.loads((self._path / STAMP).read_bytes())[BY]
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return {}
        return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def _is_named(file: str) -> bool:
    return file.startswith(PREFIX) and file.endswith(SUFFIX)


def _held(body: bytes, stamped: str) -> Held:
    text = body.decode("utf-8", "replace")
    as_pushed = hashlib.sha256(body).hexdigest() == stamped
    if not as_pushed and text.partition("\n")[0].strip() != HEADER:
        return Held(groups=groups_in(text) or (), foreign=f"its first line is not {HEADER!r}: whose is it?")
    kept = "it was changed since it was pushed: delete it by hand" if stamped and not as_pushed else ""
    return Held(groups=groups_in(text) or (), kept=kept)
