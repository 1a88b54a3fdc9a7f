"""AWS that refuses: single operations of one client, so many times."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from obskit.deploy.aws import Aws


def refuse(aws: Aws, service: str, operation: str, code: str, message: str = "", times: int = 1) -> list[str]:
    """Let AWS refuse the next calls of an operation; they have no effect.

    Args:
        aws: Whose client.
        service, operation: ``iam``, ``GetRole``.
        code, message: What AWS says.
        times: How often.

    Returns:
        The refusals that are still to come; empty once all were.
    """
    left = [code] * times

    def hook(**_: Any) -> Any:
        if not left:
            return None
        told = {"Error": {"Code": left.pop(), "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}
        return SimpleNamespace(status_code=400, headers={}), told

    client = aws.client(service)
    client.meta.events.register_first(
        f"before-call.{client.meta.service_model.service_id.hyphenize()}.{operation}", hook
    )
    return left
