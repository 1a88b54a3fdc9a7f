# expect: threshold-order @22: the threshold 0.8 stands after 0.9
"""Red below orange."""

from grafanalib.core import Dashboard, GridPos, Target, Template, Templating, TimeSeries

PROMETHEUS = {"type": "prometheus", "uid": "${prometheus_datasource}"}

dashboard = Dashboard(
    title="Unsorted thresholds",
    uid="unsorted-thresholds",
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
            title="Pool in use",
            description="What users ask for.",
            dataSource=PROMETHEUS,
            unit="percentunit",
            gridPos=GridPos(x=0, y=0, w=12, h=8),
            targets=[
                Target(expr="max by (service) (db_pool_used_ratio)", refId="A", datasource=PROMETHEUS, intervalFactor=1)
            ],
            thresholds=[
                {"color": "green", "value": None},
                {"color": "red", "value": 0.9},
                {"color": "orange", "value": 0.8},
            ],
            extraJson={"options": {"legend": {"showLegend": True}}},
        ),
    ],
)
