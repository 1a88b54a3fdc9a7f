# expect: duplicate-panel-title @22: the title is there twice in the panels above the first row
"""A copied panel that kept its title."""

from grafanalib.core import Dashboard, GridPos, Target, Template, Templating, TimeSeries

PROMETHEUS = {"type": "prometheus", "uid": "${prometheus_datasource}"}

dashboard = Dashboard(
    title="Same title twice",
    uid="same-title-twice",
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
            id=2,
            title="Requests",
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
