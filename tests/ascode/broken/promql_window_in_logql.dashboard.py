# expect: target-logql-auto @27: the range [$__rate_interval] does not follow the zoom
"""A range that only Prometheus's data source knows."""

from grafanalib.core import Dashboard, GridPos, Target, Template, Templating, TimeSeries

LOKI = {"type": "loki", "uid": "${loki_datasource}"}

dashboard = Dashboard(
    title="Promql window in logql",
    uid="promql-window-in-logql",
    editable=False,
    templating=Templating(
        list=[
            Template(name="loki_datasource", label="Loki data source", type="datasource", query="loki"),
        ]
    ),
    panels=[
        TimeSeries(
            id=1,
            title="Errors",
            description="Lines that tell of errors.",
            dataSource=LOKI,
            unit="short",
            gridPos=GridPos(x=0, y=0, w=12, h=8),
            targets=[
                Target(
                    expr='sum by (service) (count_over_time({service=~".+"} |= `error` [$__rate_interval]))',
                    refId="A",
                    datasource=LOKI,
                    intervalFactor=1,
                )
            ],
            extraJson={"options": {"legend": {"showLegend": True}}},
        ),
    ],
)
