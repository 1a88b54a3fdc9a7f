"""A dashboard with real data before Grafana shows it: `collect`, `render`, `shoot`.

The page says that it is no Grafana: it draws what a reviewer needs to judge a dashboard by,
whether each query answers, in which unit, against which thresholds, in which place. It leaves
out what only Grafana does: annotations, field overrides, transformations, stacking.
"""

from obskit.ascode.preview.collect import collect
from obskit.ascode.preview.data import PreviewAsk, PreviewData
from obskit.ascode.preview.page import render
from obskit.ascode.preview.shot import shoot

__all__ = ["PreviewAsk", "PreviewData", "collect", "render", "shoot"]
