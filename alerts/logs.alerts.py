"""Alerts on what services write, evaluated by Loki's ruler: for what no metric tells."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "LogErrorsSurge",
        "log_error_growth",
        level="warn",
        severity="ticket",
        kind="symptom",
        summary="{service} writes {value} times as many error lines as an hour ago",
        description=(
            "Something began to fail. Where {service} has no HTTP metrics this is its only sign; where it has, and they"
            " are calm, retries hide it. Read the first error lines after the jump. It ends an hour after it."
        ),
        hold="10m",
        hold_reason="two windows: one failed request with a long trace fills one of them",
    ),
    alert(
        "LogCrashes",
        "log_crashes",
        severity="page",
        kind="cause",
        summary="Processes of {service} crash again and again: {value} such lines",
        description=(
            "Worker processes die and are started anew inside their task, which no task count shows. Read which words"
            " they die with: out of memory, a segmentation fault, an exception that nobody caught."
        ),
        hold="10m",
        hold_reason="one crash writes many such lines, which count for five minutes: ten ask for another crash",
        keep="15m",
        keep_reason="a loop whose starts are spaced out by the process manager pauses for longer than a window",
    ),
    alert(
        "LogFatals",
        "log_fatals",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} keeps writing lines of level fatal or critical: {value}",
        description=(
            "A process says itself that it cannot go on, or nearly so. They are rare: read each since the first one,"
            " and see whether tasks ended at the same time."
        ),
        hold="10m",
        hold_reason="one line keeps the rate up for five minutes: ten ask for a second one",
    ),
    alert(
        "LogVolumeHigh",
        "log_bytes",
        severity="ticket",
        kind="cause",
        summary="{service} writes {value} of logs",
        description=(
            "Beyond the limit of a stream Loki refuses lines, and what is refused is missing when it is needed. Find"
            " the line that repeats: a debug level left on, or a retry loop."
        ),
        hold="15m",
        hold_reason="Loki's limits allow bursts, and a start or a deployment writes one",
    ),
)
# Left out: silence of a service in the logs: quiet services are well; Alloy's own alerts see lines that get lost.
