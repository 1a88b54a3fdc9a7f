"""Amazon Managed Prometheus: each group in a rule groups namespace of its own name.

A namespace holds a rule file as it was sent, so that ours is told by its first line. AWS takes a
file first and reads it afterwards: what counts is that its status becomes ``ACTIVE``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from obskit.ascode.alerts.build import as_yaml
from obskit.ascode.alerts.push_compare import groups_in, same
from obskit.ascode.alerts.push_folder import HEADER
from obskit.ascode.alerts.push_plan import PREFIX, Held, PushError
from obskit.escape import clean
from obskit.settings import AwsSettings
from obskit.sources.aws_client import Aws, AwsFailure

Document = dict[str, Any]

#: What one namespace may take to become active; it takes seconds.
WAIT_SECONDS = 120.0
#: Between two looks: the first, and the longest.
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 5.0
#: What reading all namespaces may take.
_READ_SECONDS = 60.0
_UNDER_WAY = ("CREATING", "UPDATING", "DELETING")
_PASSING = ("Throttling", "TooManyRequests", "InternalServer", "ServiceUnavailable", "Conflict", "EndpointConnection")
_TIMEOUTS = ("ConnectTimeout", "ReadTimeout", "ConnectionClosed", "not asked", "HTTPClient")
_HINTS = {
    "ResourceNotFoundException": "is the workspace's id right, and the region? set OBSKIT_AWS_REGION",
    "AccessDeniedException": "allow aps:ListRuleGroupsNamespaces, aps:DescribeRuleGroupsNamespace, "
    "aps:CreateRuleGroupsNamespace, aps:PutRuleGroupsNamespace and aps:DeleteRuleGroupsNamespace on the workspace",
    "ServiceQuotaExceededException": "delete rules that nobody needs, or ask AWS for a higher quota",
    "ConflictException": "somebody changes it right now: run it again in a minute",
    "NoRegionError": "set OBSKIT_AWS_REGION",
}


class Amp:
    """The rules of one workspace.

    Args:
        workspace: Its id.
        aws: As whom, and where.
        region: Of the workspace; "" for what the environment says.
        wait_seconds: What one namespace may take to become active.
        pause: Waits so many seconds.
    """

    language = "PromQL"
    #: Each waits for seconds until AWS has read its file; AWS takes ten requests a second.
    threads = 4

    def __init__(
        self,
        workspace: str,
        aws: AwsSettings,
        *,
        region: str = "",
        wait_seconds: float = WAIT_SECONDS,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._workspace, self._wait_seconds, self._pause = workspace, wait_seconds, pause
        self._aws = Aws(region=region or aws.region, endpoint_url=aws.endpoint_url, profile=aws.profile)

    @property
    def name(self) -> str:
        """The workspace, for a person."""
        return f"Amazon Managed Prometheus, workspace {self._workspace}"

    def held(self) -> Mapping[str, Held]:
        """Return the namespaces that have a name of ours; what is being deleted is gone.

        Raises:
            PushError: AWS could not be asked, or refused.
        """
        until = time.monotonic() + _READ_SECONDS
        asked = {"workspaceId": self._workspace, "name": PREFIX}
        try:
            client = self._client()
            rows = list(self._aws.pages(client, "list_rule_groups_namespaces", "ruleGroupsNamespaces", until, **asked))
        except AwsFailure as failure:
            raise _error("list rule groups namespaces", failure) from failure
        names = sorted(str(row["name"]) for row in rows if str(row["name"]).startswith(PREFIX))
        found = {name: self._described(name, until) for name in names}
        return {name: _held(row) for name, row in found.items() if row is not None and _status(row)[0] != "DELETING"}

    def put(self, name: str, group: Document) -> None:
        """Create or update a namespace, and wait until AWS uses it."""
        until = time.monotonic() + self._wait_seconds
        body = as_yaml({"groups": [group]}).encode()
        before = self._settled(name, until)
        method = "create_rule_groups_namespace" if before is None else "put_rule_groups_namespace"
        try:
            self._aws.call(self._client(), method, until, workspaceId=self._workspace, name=name, data=body)
        except AwsFailure as failure:
            raise _error(f"take {name}", failure) from failure
        row = self._settled(name, until, holding=group)
        status, reason = _status(row) if row is not None else ("gone", "")
        if status != "ACTIVE":
            raise PushError(
                f"Amazon Managed Prometheus does not use {name}: {status}",
                where={"said": reason},
                hint="correct what it names, then run it again",
                again=False,
            )

    def delete(self, name: str) -> None:
        """Delete a namespace, and wait until it is gone."""
        until = time.monotonic() + self._wait_seconds
        if self._settled(name, until) is None:
            return
        asked = {"workspaceId": self._workspace, "name": name}
        try:
            self._aws.call(self._client(), "delete_rule_groups_namespace", until, **asked)
        except AwsFailure as failure:
            if not failure.reason.startswith("ResourceNotFoundException"):
                raise _error(f"delete {name}", failure) from failure
        row = self._settled(name, until)
        if row is not None:
            status, reason = _status(row)
            what = f"Amazon Managed Prometheus did not delete {name}: {status}"
            raise PushError(what, where={"said": reason}, hint="run it again")

    def finish(self, names: Sequence[str]) -> str:
        """Return "": each was waited for."""
        del names
        return ""

    def _settled(self, name: str, until: float, *, holding: Document | None = None) -> dict[str, Any] | None:
        """Return a namespace when AWS is done with it, None when there is none.

        Args:
            name: Its name.
            until: ``time.monotonic()`` beyond which it is not waited for.
            holding: What it was just sent: an active one that holds anything else is not done with.
        """
        pause = _FIRST_PAUSE_SECONDS
        while True:
            row = self._described(name, until)
            if holding is None and row is None:
                return None
            status, reason = _status(row) if row is not None else ("not there yet", "")
            sent = holding is None or status != "ACTIVE" or (row is not None and same(_held(row).groups, [holding]))
            if row is not None and status not in _UNDER_WAY and sent:
                return row
            if time.monotonic() + pause >= until:
                waited = f"after {self._wait_seconds:g} s it is still {status}"
                what = f"Amazon Managed Prometheus is not done with {name}: {waited}"
                raise PushError(what, where={"said": reason}, hint="run it again: it goes on from there")
            self._pause(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _described(self, name: str, until: float) -> dict[str, Any] | None:
        """Return a namespace as DescribeRuleGroupsNamespace gives it; None when there is none."""
        asked = {"workspaceId": self._workspace, "name": name}
        try:
            answer = self._aws.call(
                self._client(), "describe_rule_groups_namespace", until, expects="ruleGroupsNamespace", **asked
            )
        except AwsFailure as failure:
            if failure.reason.startswith("ResourceNotFoundException"):
                return None
            raise _error(f"describe {name}", failure) from failure
        row: dict[str, Any] = answer["ruleGroupsNamespace"]
        return row

    def _client(self) -> Any:
        return self._aws.client("amp", time.monotonic() + _READ_SECONDS)


def _status(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return a namespace's status and the reason that AWS gives for it, cleaned."""
    status = row.get("status") or {}
    return clean(str(status.get("statusCode", "unknown"))), clean(str(status.get("statusReason", "")))[:300]


def _held(row: Mapping[str, Any]) -> Held:
    data = row.get("data") or b""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else str(data)
    status, reason = _status(row)
    unsettled = "" if status == "ACTIVE" else f"{status}: {reason}" if reason else status
    foreign = "" if text.partition("\n")[0].strip() == HEADER else f"its first line is not {HEADER!r}: whose is it?"
    return Held(groups=groups_in(text) or (), foreign=foreign, unsettled=unsettled)


def _error(doing: str, failure: AwsFailure) -> PushError:
    code = failure.reason.partition(":")[0].strip()
    passes = code.startswith((*_PASSING, *_TIMEOUTS))
    refused = code in ("AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException", "NoRegionError")
    said = clean(f"{failure.call}: {failure.reason}" if failure.call else failure.reason)
    return PushError(
        f"Amazon Managed Prometheus would not {doing}",
        where={"said": said},
        hint=_HINTS.get(code, ""),
        again=passes,
        stop=refused or not failure.call or (passes and not code.startswith("Conflict")),
    )
