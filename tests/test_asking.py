"""What is said of a service and a window before anybody looks for causes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from obskit.asking import require_known
from obskit.errors import SourceError, UsageError
from obskit.model import Gap, Telemetry, Window

END = datetime(2026, 1, 31, 3, 30, tzinfo=UTC)
WINDOW = Window(start=END - timedelta(minutes=30), end=END)
UNKNOWN = {"prometheus.known": "false", "prometheus.names": "orders,shop"}


def test_a_known_service_without_samples_is_told_the_window() -> None:
    """The name is among those that Prometheus knows: the window is what is wrong."""
    with pytest.raises(UsageError, match="nothing was seen of 'shop' in this window") as refused:
        require_known("shop", Telemetry(facts=UNKNOWN), ["prometheus"], WINDOW)
    assert refused.value.where == {
        "window": "2026-01-31T03:00:00Z to 2026-01-31T03:30:00Z",
        "prometheus": "it knows the name: its series lie at other times",
    }

    with pytest.raises(UsageError, match="no source knows a service 'shpo'") as refused:
        require_known("shpo", Telemetry(facts=UNKNOWN), ["prometheus"], WINDOW)
    assert refused.value.where["near"] == "shop"


def test_a_known_service_without_samples_may_be_in_what_failed() -> None:
    """Logs that could not be asked for may tell of the window: that is the outside world's failure."""
    gap = Gap(source="loki", query="everything", reason="it cannot be reached")
    with pytest.raises(SourceError, match="nothing could be seen of 'shop'"):
        require_known("shop", Telemetry(facts=UNKNOWN, gaps=(gap,)), ["prometheus", "loki"], WINDOW)
