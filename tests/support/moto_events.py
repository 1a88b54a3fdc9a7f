"""Mends what moto does otherwise than AWS with SQS. It patches moto only, never obskit."""

from __future__ import annotations

from typing import Any

import pytest
from moto.sqs.models import Queue


def mend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moto behave as AWS where obskit depends on it.

    - A queue keeps its policy when other attributes of it are set.
    """
    monkeypatch.setattr(Queue, "_set_attributes", _keeping(Queue._set_attributes))


def _keeping(real: Any) -> Any:
    def set_attributes(self: Any, attributes: dict[str, Any], now: float | None = None) -> None:
        policy = getattr(self, "policy", None)
        kept = {} if "Policy" in attributes or policy is None else {"Policy": policy}
        real(self, {**attributes, **kept}, now)

    return set_attributes
