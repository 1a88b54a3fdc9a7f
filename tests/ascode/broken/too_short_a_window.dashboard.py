# expect: range-window @29: a range of 30 s
"""A window that holds two scrapes."""

from grafanalib.core import Dashboard, GridPos, Target, Template, Templating, TimeSeries

PROMETHEUS = {"type": "prometheus", "uid": "${prometheus_datasource}"}

dashboard = Dashboard(
    title="Too short a window",
    uid="too-short-a-window",
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
                    expr="sum(increase(http_requests_total[30s]))", refId="A", datasource=PROMETHEUS, intervalFactor=1
                )
            ],
            extraJson={"options": {"legend": {"showLegend": True}}},
        ),
    ],
)
