# expect: panel-repeat @22: the panel repeats over 'service', and there is no such variable
"""A repeat over a variable that there is not."""

from grafanalib.core import Dashboard, GridPos, Repeat, Target, Template, Templating, TimeSeries

PROMETHEUS = {"type": "prometheus", "uid": "${prometheus_datasource}"}

dashboard = Dashboard(
    title="Repeats over nothing",
    uid="repeats-over-nothing",
    editable=False,
    templating=Templating(
        list=[
            Template(
                name="prometheus_datasource", label="Prometheus data source", type="datasource", query="prometheus"
            ),
        ]
    ),
    panels=[
        TimeSeries(
            id=1,
            title="Requests",
            description="What users ask for.",
            dataSource=PROMETHEUS,
            unit="reqps",
            gridPos=GridPos(x=0, y=0, w=12, h=8),
            targets=[
                Target(
                    expr="sum by (service) (rate(http_requests_total[$__rate_interval]))",
                    refId="A",
                    datasource=PROMETHEUS,
                    intervalFactor=1,
                )
            ],
            repeat=Repeat(direction="h", variable="service"),
            extraJson={"options": {"legend": {"showLegend": True}}},
        ),
    ],
)
