# expect: panel-unit-known @13: fieldConfig.defaults.unit is 'rqps', which Grafana does not know
"""A unit with a slip of the pen."""

from obskit.ascode import board, group, panel

dashboard = board(
    "unknown_unit",
    title="Unknown unit",
    description="One service, as its users see it.",
    groups=[
        group(
            "Traffic",
            panel("http_requests", unit="rqps"),
        )
    ],
)
