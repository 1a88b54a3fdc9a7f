# expect: logql @13: LogQL does not go on with 'timeout'
"""A line filter without quotes."""

from obskit.ascode import board, group, logs

dashboard = board(
    "unquoted_line_filter",
    title="Unquoted line filter",
    description="One service, as its users see it.",
    groups=[
        group(
            "Traffic",
            logs("Time-outs", "|= timeout"),
        )
    ],
)
