# expect: histogram-le @29: histogram_quantile is asked over buckets that have lost their le
"""A quantile of what has no buckets any more."""

from grafanalib.core import Dashboard, GridPos, Target, Template, Templating, TimeSeries

PROMETHEUS = {"type": "prometheus", "uid": "${prometheus_datasource}"}

dashboard = Dashboard(
    title="Quantile without le",
    uid="quantile-without-le",
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
            title="Latency",
            description="What users ask for.",
            dataSource=PROMETHEUS,
            unit="s",
            gridPos=GridPos(x=0, y=0, w=12, h=8),
            targets=[
                Target(
                    expr="histogram_quantile(0.95, sum by (service) (rate(http_seconds_bucket[$__rate_interval])))",
                    refId="A",
                    datasource=PROMETHEUS,
                    intervalFactor=1,
                )
            ],
            extraJson={"options": {"legend": {"showLegend": True}}},
        ),
    ],
)
