# expect: template-label-promql @21: asks label_value(), which Grafana does not know
"""A function of variables with a slip of the pen."""

from grafanalib.core import Dashboard, GridPos, Target, Template, Templating, TimeSeries

PROMETHEUS = {"type": "prometheus", "uid": "${prometheus_datasource}"}

dashboard = Dashboard(
    title="Unknown function",
    uid="unknown-function",
    editable=False,
    templating=Templating(
        list=[
            Template(
                name="prometheus_datasource", label="Prometheus data source", type="datasource", query="prometheus"
            ),
            Template(
                name="service",
                label="Service",
                type="query",
                query="label_value(up, service)",
                dataSource=PROMETHEUS,
                multi=True,
                includeAll=True,
                allValue=".+",
                refresh=2,
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
