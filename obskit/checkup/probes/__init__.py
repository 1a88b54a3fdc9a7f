"""Questions that are no signal: what fires, what Grafana and AWS say, which known faults the logs tell of."""
