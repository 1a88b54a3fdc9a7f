# expect: panel-id @39: the panel's id 1 is that of 'Requests'
"""A copied panel that kept its id."""

from grafanalib.core import Dashboard, GridPos, Target, Template, Templating, TimeSeries

PROMETHEUS = {"type": "prometheus", "uid": "${prometheus_datasource}"}

dashboard = Dashboard(
    title="Panel id twice",
    uid="panel-id-twice",
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
            extraJson={"options": {"legend": {"showLegend": True}}},
        ),
        TimeSeries(
            id=1,
            title="Load",
            description="What users ask for.",
            dataSource=PROMETHEUS,
            unit="short",
            gridPos=GridPos(x=12, y=0, w=12, h=8),
            targets=[
                Target(expr="sum by (service) (http_in_flight)", refId="A", datasource=PROMETHEUS, intervalFactor=1)
            ],
            extraJson={"options": {"legend": {"showLegend": True}}},
        ),
    ],
)
