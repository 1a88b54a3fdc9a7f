# expect: structure @22: type is 'graph', which Grafana does not bring along; did you mean 'timeseries'?
"""A kind of panel that is gone since Grafana 12."""

from grafanalib.core import Dashboard, Graph, GridPos, Target, Template, Templating

PROMETHEUS = {"type": "prometheus", "uid": "${prometheus_datasource}"}

dashboard = Dashboard(
    title="Graph of old",
    uid="graph-of-old",
    editable=False,
    templating=Templating(
        list=[
            Template(
                name="prometheus_datasource", label="Prometheus data source", type="datasource", query="prometheus"
            ),
        ]
    ),
    panels=[
        Graph(
            id=1,
            title="Requests",
            description="What users ask for.",
            dataSource=PROMETHEUS,
            gridPos=GridPos(x=0, y=0, w=12, h=8),
            targets=[
                Target(
                    expr="sum by (service) (rate(http_requests_total[$__rate_interval]))",
                    refId="A",
                    datasource=PROMETHEUS,
                    intervalFactor=1,
                )
            ],
        ),
    ],
)
