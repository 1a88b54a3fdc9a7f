# expect: loki-query-type @20: query A sets instant, which Loki does not read
"""Prometheus's switch on a query to Loki."""

from grafanalib.core import Dashboard, GridPos, Target, Template, Templating, TimeSeries

LOKI = {"type": "loki", "uid": "${loki_datasource}"}

dashboard = Dashboard(
    title="Instant of loki",
    uid="instant-of-loki",
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
                    expr='sum by (service) (count_over_time({service=~".+"} |= `error` [$__auto]))',
                    refId="A",
                    datasource=LOKI,
                    intervalFactor=1,
                    instant=True,
                )
            ],
            extraJson={"options": {"legend": {"showLegend": True}}},
        ),
    ],
)
