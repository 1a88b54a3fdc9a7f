"""How far apart samples lie, and how many of them it takes to say something."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from obskit.ascode.choose import seconds_of
from obskit.ascode.provisioning import SCRAPE_INTERVAL

#: From one sample to the next, where nobody says otherwise: what the stack's Prometheus and Grafana are set to.
SCRAPE: Final = timedelta(seconds=seconds_of(SCRAPE_INTERVAL))
#: What a rate needs to survive a scrape that was lost. Of fewer, one lost or late sample decides. Source: Grafana's
#: Prometheus data source, whose ``$__rate_interval`` is four scrapes at least.
FOUR_SCRAPES: Final = 4 * SCRAPE
