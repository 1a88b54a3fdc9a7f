"""Cloud Map: what it does later is an operation that one has to ask about."""

from __future__ import annotations

from typing import Any

from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError
from obskit.deploy.resources import _tags

API = "servicediscovery"


def finish(aws: Aws, answer: Any, *, what: str, patience_seconds: float = 300.0) -> dict[str, str]:
    """Wait for an operation and return what it was about: ``NAMESPACE`` -> id.

    Args:
        aws: Where.
        answer: Of the call that began it; None when there was nothing to do.
        what: Is being done, for errors.
        patience_seconds: After which waiting is given up.

    Raises:
        DeployError: It failed.
    """
    operation = (answer or {}).get("OperationId")
    if not operation:
        return {}
    last: dict[str, Any] = {}

    def why() -> str:
        last.update(aws.call(API, "get_operation", OperationId=operation)["Operation"])
        return "" if last.get("Status") in ("SUCCESS", "FAIL") else f"Cloud Map: {last.get('Status', 'SUBMITTED')}"

    aws.until(why, patience_seconds=patience_seconds, what=what)
    if last["Status"] == "FAIL":
        said = f"{last.get('ErrorCode', '')} {last.get('ErrorMessage', '')}".strip()
        raise DeployError(f"{what} failed", where={"aws": said}, hint="correct what AWS complains of, then apply again")
    return {key: str(value) for key, value in last.get("Targets", {}).items()}


def tags(aws: Aws, arn: str) -> dict[str, str]:
    """Return the tags of a namespace or a service."""
    return _tags.as_dict(aws.call(API, "list_tags_for_resource", ResourceARN=arn).get("Tags"))


def write_tags(aws: Aws, arn: str, wanted: Any) -> None:
    """Write tags onto a namespace or a service."""
    aws.call(API, "tag_resource", idempotent=True, ResourceARN=arn, Tags=_tags.as_list(wanted))
