# expect: panel-overlap @22: the panel leaves the grid: x=0 y=0 w=30 h=8
"""A panel that is wider than the screen."""

from grafanalib.core import Dashboard, GridPos, Target, Template, Templating, TimeSeries

PROMETHEUS = {"type": "prometheus", "uid": "${prometheus_datasource}"}

dashboard = Dashboard(
    title="Too wide",
    uid="too-wide",
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
            gridPos=GridPos(x=0, y=0, w=30, h=8),
            targets=[
                Target(
                    expr="sum by (service) (rate(http_requests_total[$__rate_interval]))",
                    refId="A",
                    datasource=PROMETHEUS,
                    intervalFactor=1,
                )
            ],
            extraJson={"options": {"legend": {"showLegend": True}}},
        ),
    ],
)
