# expect: target-counter-agg @29: the counter http_requests_total is not under rate, irate or increase
"""A counter that only ever climbs."""

from grafanalib.core import Dashboard, GridPos, Target, Template, Templating, TimeSeries

PROMETHEUS = {"type": "prometheus", "uid": "${prometheus_datasource}"}

dashboard = Dashboard(
    title="Counter as it is",
    uid="counter-as-it-is",
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
                    expr="sum by (service) (http_requests_total)", refId="A", datasource=PROMETHEUS, intervalFactor=1
                )
            ],
            extraJson={"options": {"legend": {"showLegend": True}}},
        ),
    ],
)
