"""How far apart samples lie is said once."""

from __future__ import annotations

from datetime import timedelta

from obskit.ascode.provisioning import SCRAPE_INTERVAL
from obskit.ascode.scrapes import FOUR_SCRAPES, SCRAPE


def test_four_scrapes_of_the_stack_are_the_minute_that_the_pages_of_checks_name() -> None:
    """Who scrapes less often has to say so there too."""
    assert timedelta(minutes=1) == FOUR_SCRAPES
    assert f"{SCRAPE.total_seconds():g}s" == SCRAPE_INTERVAL
