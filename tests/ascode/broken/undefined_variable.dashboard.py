# expect: unknown-variable @29: the query names $service, which is not defined
"""A variable that the dashboard does not have."""

from grafanalib.core import Dashboard, GridPos, Target, Template, Templating, TimeSeries

PROMETHEUS = {"type": "prometheus", "uid": "${prometheus_datasource}"}

dashboard = Dashboard(
    title="Undefined variable",
    uid="undefined-variable",
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
                    expr='sum(rate(http_requests_total{service=~"$service"}[$__rate_interval]))',
                    refId="A",
                    datasource=PROMETHEUS,
                    intervalFactor=1,
                )
            ],
            extraJson={"options": {"legend": {"showLegend": True}}},
        ),
    ],
)
