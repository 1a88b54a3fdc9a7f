# expect: panel-no-targets @22: the panel asks nothing
"""A panel whose query is still to come."""

from grafanalib.core import Dashboard, GridPos, Template, Templating, TimeSeries

PROMETHEUS = {"type": "prometheus", "uid": "${prometheus_datasource}"}

dashboard = Dashboard(
    title="Asks nothing",
    uid="asks-nothing",
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
            extraJson={"options": {"legend": {"showLegend": True}}},
        ),
    ],
)
