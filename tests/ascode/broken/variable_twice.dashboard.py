# expect: duplicate-variable @18: the variable 'service' is there twice
"""Two variables of one name."""

from grafanalib.core import Dashboard, GridPos, Target, Template, Templating, TimeSeries

PROMETHEUS = {"type": "prometheus", "uid": "${prometheus_datasource}"}

dashboard = Dashboard(
    title="Variable twice",
    uid="variable-twice",
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
                query="label_values(up, service)",
                dataSource=PROMETHEUS,
                multi=True,
                includeAll=True,
                allValue=".+",
                refresh=2,
            ),
            Template(
                name="service",
                label="Service",
                type="query",
                query="label_values(http_requests_total, service)",
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
