"""Tests of the alerts on logs: their level, holding time and labels; promtool knows no LogQL."""

from obskit.ascode.alerts import around, quiet, steady

SERVICE = 'obskit_value{service="shop"}'
TICKET = {"service": "shop", "severity": "ticket"}


def level(value: float) -> dict[str, str]:
    """Return the value of the query."""
    return {SERVICE: steady(value)}


TESTS = (
    around("LogErrorsSurge", level, labels=TICKET),
    quiet("LogErrorsSurge", {SERVICE: "1x40 60x20 1x200"}, at="20m", why="one failed request with a long trace"),
    around("LogCrashes", level, labels={"service": "shop", "severity": "page"}),
    quiet(
        "LogCrashes",
        {SERVICE: "0x40 0.07x20 0x200"},
        at="16m",
        why="one crash with twenty lines counts for five minutes",
    ),
    around("LogFatals", level, labels=TICKET),
    quiet("LogFatals", {SERVICE: "0x40 0.0033x20 0x200"}, at="16m", why="one line counts for five minutes"),
    around("LogVolumeHigh", level, labels=TICKET),
    quiet("LogVolumeHigh", {SERVICE: "1000x40 9000000x40 1000x200"}, at="21m", why="the burst of a start"),
)
