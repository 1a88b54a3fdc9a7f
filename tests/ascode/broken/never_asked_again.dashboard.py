# expect: template-on-time-change-reload @18: the variable 'service' is not asked again when the time range changes
"""A list that is as old as the page."""

from grafanalib.core import Dashboard, GridPos, Target, Template, Templating, TimeSeries

PROMETHEUS = {"type": "prometheus", "uid": "${prometheus_datasource}"}

dashboard = Dashboard(
    title="Never asked again",
    uid="never-asked-again",
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
                refresh=1,
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
