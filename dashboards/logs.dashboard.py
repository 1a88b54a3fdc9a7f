"""The log explorer: how much the services write, how much of it tells of trouble, and the lines."""

from obskit.ascode import board, group, logs

dashboard = board(
    "logs",
    title="Logs",
    description="Lines of the chosen services: how many, how many of errors and time-outs, and the lines themselves.",
    since="1h",
    groups=(
        group(
            "How much",
            "log_lines",
            "log_errors",
            "log_timeouts",
            "log_error_ratio",
            "log_error_growth",
            "log_fatals",
            "log_crashes",
            "log_bytes",
        ),
        group(
            "Lines",
            logs("Errors", "|~ `(?i)(error|fatal|critical|panic|exception|traceback)`"),
            logs("Time-outs", "|~ `(?i)(timeout|timed out)`"),
            logs("All lines", height=16),
        ),
    ),
)
