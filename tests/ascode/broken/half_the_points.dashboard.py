# expect: target-step @22: query A sets intervalFactor to 2
"""What grafanalib sets when nobody says otherwise."""

from grafanalib.core import Dashboard, GridPos, Target, Template, Templating, TimeSeries

PROMETHEUS = {"type": "prometheus", "uid": "${prometheus_datasource}"}

dashboard = Dashboard(
    title="Half the points",
    uid="half-the-points",
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
            targets=[Target(expr="sum(rate(http_requests_total[$__rate_interval]))", refId="A", datasource=PROMETHEUS)],
            extraJson={"options": {"legend": {"showLegend": True}}},
        ),
    ],
)
