"""The ruler API of Mimir and of Loki: each group in a namespace of its own name.

Both descend from Cortex and speak the same: YAML, ``202`` for what was taken, ``404`` with a
sentence for a tenant without any rules. A group is set whole and deleting is the same twice, so
that requests are sent again where that may help.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Literal
from urllib.parse import quote

from obskit.ascode.alerts.build import as_yaml
from obskit.ascode.alerts.push_compare import as_groups, parsed
from obskit.ascode.alerts.push_plan import PREFIX, Held, PushError
from obskit.settings import Connection

Document = dict[str, Any]
Server = Literal["mimir", "loki"]

_NAMES: Mapping[Server, str] = {"mimir": "Mimir", "loki": "Loki"}
_LANGUAGES: Mapping[Server, str] = {"mimir": "PromQL", "loki": "LogQL"}
#: What both say, with 404, for a tenant that has no rules.
NO_GROUPS = "no rule groups found"
_DONE = (200, 201, 202, 204)
_PASSING = (408, 429, 500, 502, 503, 504)
_HINTS = {
    401: "set the tenant, and who we are: OBSKIT_{source}_TENANT, OBSKIT_{source}_BEARER_TOKEN",
    403: "give whoever the token is for the right to write rules",
    404: "is this the address of {name} itself, and is its ruler's API enabled?",
    405: "is its ruler's storage a local folder? that cannot be written: use dir:PATH",
    429: "wait a little, then run it again",
}
_LIMITED = "raise ruler_max_rules_per_rule_group or ruler_max_rule_groups_per_tenant in its limits"


class Ruler:
    """The rules of one tenant.

    Args:
        connection: Where it is, and as whom and for which tenant it is asked.
        server: Whose ruler.

    Raises:
        SettingsError: The connection cannot be used.
    """

    #: Rules are few; more at once only contend for the tenant's one index.
    threads = 4

    def __init__(self, connection: Connection, server: Server) -> None:
        from obskit.sources.http import session_for

        self._connection, self._server = connection, server
        self._session = session_for(connection)
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        base = connection.url.rstrip("/")
        if server == "mimir":
            self._base = f"{base.removesuffix('/prometheus')}/prometheus/config/v1/rules"
        else:
            self._base = f"{base}/loki/api/v1/rules"

    @property
    def name(self) -> str:
        """The ruler, for a person."""
        from obskit.sources.http_words import shown

        tenant = f", tenant {self._connection.tenant}" if self._connection.tenant else ""
        return f"{_NAMES[self._server]} at {shown(self._connection.url)}{tenant}"

    @property
    def language(self) -> str:
        """PromQL of Mimir, LogQL of Loki."""
        return _LANGUAGES[self._server]

    def held(self) -> Mapping[str, Held]:
        """Return the namespaces that have a name of ours.

        Raises:
            PushError: There is no answer, or no good one.
        """
        status, body = self._ask("GET", "", "list rules")
        text = body.decode("utf-8", "replace")
        if status == 404 and NO_GROUPS in text:
            return {}
        found = parsed(text) if status == 200 else None
        if status == 200 and found is None and not text.strip():
            return {}
        if not isinstance(found, dict):
            raise self._refused("list rules", status, body)
        return {str(name): _held(str(name), groups) for name, groups in found.items() if str(name).startswith(PREFIX)}

    def put(self, name: str, group: Document) -> None:
        """Set a group."""
        status, body = self._ask("POST", f"/{quote(name, safe='')}", f"set {name}", as_yaml(group).encode())
        if status not in _DONE:
            raise self._refused(f"set {name}", status, body)

    def delete(self, name: str) -> None:
        """Delete a group, and with it its namespace; not whatever else was put there meanwhile."""
        path = f"/{quote(name, safe='')}/{quote(name, safe='')}"
        status, body = self._ask("DELETE", path, f"delete {name}")
        if status not in (*_DONE, 404):
            raise self._refused(f"delete {name}", status, body)

    def finish(self, names: Sequence[str]) -> str:
        """Return "": what a ruler took it evaluates."""
        del names
        return ""

    def _ask(
        self, method: Literal["GET", "POST", "DELETE"], path: str, doing: str, body: bytes | None = None
    ) -> tuple[int, bytes]:
        from obskit.errors import SourceError
        from obskit.sources.http import Request, exchange  # `send` speaks JSON, and sends nothing twice

        timeout = self._connection.timeout_seconds
        headers = {"Content-Type": "application/yaml"} if body is not None else None
        request = Request(method=method, url=f"{self._base}{path}", data=body, headers=headers)
        name = _NAMES[self._server]
        try:
            until = time.monotonic() + 3 * timeout
            return exchange(self._session, request, name=name, query="", deadline=until, timeout=timeout)
        except SourceError as error:
            raise PushError(error.what, where={**error.where, "to": doing}, hint=error.hint, stop=True) from error

    def _refused(self, doing: str, status: int, body: bytes) -> PushError:
        from obskit.sources.http import server_words

        name = _NAMES[self._server]
        source = "PROMETHEUS" if self._server == "mimir" else "LOKI"
        words = server_words(body)
        hint = _HINTS.get(status, "").format(name=name, source=source)
        if status in (400, 422) and "limit" in words:
            hint = _LIMITED
        if status == 200:
            words, hint = "an answer that is no list of rule groups", _HINTS[404].format(name=name)
        return PushError(
            f"{name} would not {doing}",
            where={"status": str(status), "said": words},
            hint=hint,
            again=status in _PASSING,
            stop=status in (401, 403, 404, 405),
        )


def _held(name: str, groups: object) -> Held:
    found = as_groups(groups)
    if found is None or [group.get("name") for group in found] != [name]:
        return Held(groups=found or (), foreign="ours holds one group of its own name, and this does not: whose is it?")
    return Held(groups=found)
