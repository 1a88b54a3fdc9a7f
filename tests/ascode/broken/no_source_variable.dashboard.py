# expect: template-datasource @6: there is no variable for the data source
"""A dashboard without a choice of data source."""

from grafanalib.core import Dashboard, GridPos, Target, Templating, TimeSeries

dashboard = Dashboard(
    title="No source variable",
    uid="no-source-variable",
    editable=False,
    templating=Templating(list=[]),
    panels=[
        TimeSeries(
            id=1,
            title="Requests",
            description="What users ask for.",
            dataSource={"type": "prometheus", "uid": "prometheus"},
            unit="reqps",
            gridPos=GridPos(x=0, y=0, w=12, h=8),
            targets=[
                Target(
                    expr="sum(rate(http_requests_total[$__rate_interval]))",
                    refId="A",
                    datasource={"type": "prometheus", "uid": "prometheus"},
                    intervalFactor=1,
                )
            ],
            extraJson={"options": {"legend": {"showLegend": True}}},
        ),
    ],
)
