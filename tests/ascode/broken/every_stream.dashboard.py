# expect: loki-selector @27: the stream selector takes streams without any of its labels
"""A selector that Loki refuses."""

from grafanalib.core import Dashboard, GridPos, Target, Template, Templating, TimeSeries

LOKI = {"type": "loki", "uid": "${loki_datasource}"}

dashboard = Dashboard(
    title="Every stream",
    uid="every-stream",
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
                    expr='sum(count_over_time({service=~".*"} |= `error` [$__auto]))',
                    refId="A",
                    datasource=LOKI,
                    intervalFactor=1,
                )
            ],
            extraJson={"options": {"legend": {"showLegend": True}}},
        ),
    ],
)
