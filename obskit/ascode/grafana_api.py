"""How Grafana is asked, and how its refusals are worded; what can be asked stands in `grafana`."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Literal

from obskit.ascode.definition import Model
from obskit.errors import SettingsError, SourceError
from obskit.settings import Connection

Method = Literal["GET", "POST", "PUT", "DELETE"]

#: Header values that are shorter may be ordinary words, and are left in what a server says.
SHORTEST_SECRET_HEADER = 8

_HINTS = {
    401: "set OBSKIT_GRAFANA_BEARER_TOKEN (or grafana.bearer_token_file) to the token of a service account",
    403: "give the token's service account the role Editor, or the permission named",
    404: "is OBSKIT_GRAFANA_URL the address of Grafana itself, its sub-path included?",
    429: "wait a little, then run it again",
}
_CONFLICTS = {
    "version-mismatch": "somebody saved it since it was read: run obskit dashboards diff",
    "name-exists": "another dashboard of that folder has this title: give one of them another",
    "plugin-dashboard": "it belongs to a plugin: give ours another uid",
}
_ELSEWHERE = "is a login page in front of it? set a token, and correct OBSKIT_GRAFANA_URL: scheme, host, sub-path"
_BROKEN = "Grafana's own log says more; run it again to go on from what is there"
_LOST = "this may have been done all the same: run it again to go on from what is there"


class GrafanaError(SourceError):
    """Grafana could not be reached, refused, or answered what cannot be read.

    Attributes:
        status: The HTTP status; 0 when there was no answer.
    """

    def __init__(self, what: str, *, status: int, where: dict[str, str] | None = None, hint: str = "") -> None:
        super().__init__(what, where=where, hint=hint)
        self.status = status


class ConflictError(GrafanaError):
    """Grafana holds something that a save would overwrite (412).

    Attributes:
        reason: ``version-mismatch``, ``name-exists`` or ``plugin-dashboard``; "" when Grafana gave
            none of these.
    """

    def __init__(self, what: str, *, reason: str, where: dict[str, str] | None = None) -> None:
        super().__init__(what, status=412, where=where, hint=_CONFLICTS.get(reason, ""))
        self.reason = reason


class GrafanaApi:
    """Asks one Grafana and reads its JSON.

    Args:
        connection: Where it is, and as whom it is asked.

    Attributes:
        url: Its address, without a name and password that it may hold.

    Raises:
        SettingsError: No address is set, or the connection cannot be used.
    """

    def __init__(self, connection: Connection) -> None:
        from obskit.sources.http import session_for
        from obskit.sources.http_words import shown

        if not connection.url:
            raise SettingsError("no Grafana is configured", hint="set OBSKIT_GRAFANA_URL, or url in [grafana]")
        self._connection = connection
        self._base = connection.url.rstrip("/")
        self.url = shown(self._base)
        self._session = session_for(connection)
        # A session's cookie beside the token could make us somebody else.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))

    def json(
        self,
        doing: str,
        method: Method,
        path: str,
        *,
        until: float,
        params: Mapping[str, str] | None = None,
        body: Model | None = None,
        or_none: bool = False,
    ) -> Any:
        """Return a decoded answer.

        Args:
            doing: What for, as it follows "Grafana would not".
            method: GET is tried again where that may help, all else never.
            path: From ``/api`` on, percent-encoded.
            until: ``time.monotonic()`` beyond which nothing is waited for.
            params: Query string of a GET.
            body: Sent as JSON, but for GET.
            or_none: Return None for 404, as long as it is Grafana that says so.

        Raises:
            GrafanaError: There is no answer, or no good one.
            UsageError: *body* is no JSON.
        """
        status, content = self._sent(doing, method, path, until=until, params=params, body=body)
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError) as error:
            if status == 200:
                raise self._not_grafana(doing, content) from error
            answer = None
        if status == 200:
            return answer
        if status == 404 and or_none and isinstance(answer, dict):
            return None
        raise self._refused(doing, status, answer, content)

    @contextlib.contextmanager
    def reading(self, doing: str) -> Iterator[None]:
        """Turn what reading an answer of another shape raises into a `GrafanaError`."""
        try:
            yield
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            said = f"no {error}" if isinstance(error, LookupError) else str(error)
            raise GrafanaError(
                "Grafana's answer cannot be read",
                status=200,
                where={"at": self.url, "to": doing, "said": self._words(said)},
                hint="is it Grafana, 9 or newer?",
            ) from error

    def _sent(
        self, doing: str, method: Method, path: str, *, until: float, params: Mapping[str, str] | None, body: object
    ) -> tuple[int, bytes]:
        from obskit.sources.http import NoAnswerError, fetch, send

        url, timeout = self._base + path, self._connection.timeout_seconds
        try:
            if method == "GET":
                return fetch(self._session, url, name="Grafana", deadline=until, timeout=timeout, params=params)
            return send(self._session, method, url, name="Grafana", deadline=until, timeout=timeout, body=body)
        except SourceError as error:
            lost = method != "GET" and isinstance(error, NoAnswerError) and not error.unsent
            where, hint = {**error.where, "to": doing}, _LOST if lost else error.hint
            raise GrafanaError(error.what, status=0, where=where, hint=hint) from error

    def _refused(self, doing: str, status: int, answer: object, content: bytes) -> GrafanaError:
        told = answer if isinstance(answer, dict) else {}
        said = self._words(str(told.get("message") or told.get("error") or content.decode("utf-8", "replace")))
        where = {"at": self.url, "said": f"{status} {said}".rstrip()}
        if 300 <= status < 400:
            return GrafanaError(f"Grafana sent us elsewhere to {doing}", status=status, where=where, hint=_ELSEWHERE)
        if status == 412:
            reason = told.get("status")
            known = reason if isinstance(reason, str) and reason in _CONFLICTS else ""
            return ConflictError(f"Grafana would not {doing}", reason=known, where=where)
        hint = _HINTS.get(status, _BROKEN if status >= 500 else "")
        return GrafanaError(f"Grafana would not {doing}", status=status, where=where, hint=hint)

    def _not_grafana(self, doing: str, content: bytes) -> GrafanaError:
        said = self._words(content.decode("utf-8", "replace")) or "nothing"
        return GrafanaError(
            "what answers is not Grafana's API",
            status=200,
            where={"at": self.url, "to": doing, "said": said},
            hint=_ELSEWHERE,
        )

    def _words(self, said: str) -> str:
        """Return a server's words on one line, without the secrets that we sent it."""
        from obskit.sources.http import server_words

        for secret in self._secrets():
            said = said.replace(secret, "[secret]")
        return server_words(said)

    def _secrets(self) -> list[str]:
        connection = self._connection
        known = [connection.bearer_token, connection.password]
        known += [value for _, value in connection.headers if len(value) >= SHORTEST_SECRET_HEADER]
        if connection.bearer_token_file is not None:
            with contextlib.suppress(OSError, ValueError):
                known.append(connection.bearer_token_file.read_text(encoding="ascii").strip())
        return sorted(filter(None, known), key=len, reverse=True)


def text_of(row: Any, key: str) -> str:
    """Return a text of an answer.

    Raises:
        LookupError, TypeError: It is not there, or no text.
    """
    value = row[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is no text")
    return value


def number_of(row: Any, key: str) -> int:
    """Return a whole number of an answer.

    Raises:
        LookupError, TypeError: It is not there, or no whole number.
    """
    value = row[key]
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{key} is no whole number")
    return value


def rows_of(answer: object) -> list[Model]:
    """Return an answer that is a list of objects.

    Raises:
        TypeError: It is something else.
    """
    if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
        raise TypeError("it is no list of objects")
    return answer


def deadline_in(seconds: float) -> float:
    """Return the ``time.monotonic()`` that lies so many seconds ahead."""
    return time.monotonic() + seconds
