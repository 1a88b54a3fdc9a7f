"""What Grafana takes where a key is missing: the tables that `obskit.ascode.canonical` reads.

From the types that Grafana documents for v13.2 (package @grafana/schema, Apache-2.0: the
``default…`` constants of dashboard, common and each panel's panelcfg) and, for the options
that these leave open, from what Grafana 10 to 13 write into a panel whose options nobody
touched. A table inside a table stands for nested keys. What is not known for certain
is left out: it then shows in a diff, which is a nuisance, but nothing is lost.
"""

from __future__ import annotations

from collections.abc import Mapping

from obskit.ascode.definition import Model

#: Keys whose table only means something as a whole: it is the default or it is not.
WHOLE = frozenset({"cellOptions", "color", "hideFrom", "lineStyle", "time"})
#: Of a dashboard's and a panel's links.
LINK: Model = {
    "asDropdown": False,
    "icon": "external link",
    "includeVars": False,
    "keepTime": False,
    "targetBlank": False,
    "tooltip": "",
    "type": "link",
    "url": "",
}
DASHBOARD: Model = {
    "description": "",
    "editable": True,
    "fiscalYearStartMonth": 0,
    "graphTooltip": 0,
    "hideControls": False,
    "liveNow": False,
    "preload": False,
    "refresh": "",
    "sharedCrosshair": False,
    "style": "dark",
    "time": {"from": "now-6h", "to": "now"},
    "timepicker": {
        "hidden": False,
        "refresh_intervals": ["5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h", "2h", "1d"],
        "time_options": ["5m", "15m", "1h", "6h", "12h", "24h", "2d", "7d", "30d"],
    },
    "timezone": "browser",
    "weekStart": "",
}
ANNOTATION: Model = {"builtIn": 0, "enable": True, "hide": False, "filter": {"exclude": False}}
VARIABLE: Model = {
    "allValue": "",
    "allowCustomValue": True,
    "auto": False,
    "auto_count": 30,
    "auto_min": "10s",
    "description": "",
    "enableGroupBy": False,
    "hide": 0,
    "includeAll": False,
    "label": "",
    "multi": False,
    "refresh": 0,
    "regex": "",
    "regexApplyTo": "value",
    "skipUrlSync": False,
    "sort": 0,
    "valuesFormat": "csv",
}
PANEL: Model = {
    "collapsed": False,
    "description": "",
    "editable": True,
    "error": False,
    "gridPos": {"static": False},
    "hideTimeOverride": False,
    "interval": "",
    "repeatDirection": "h",
    "timeFrom": "",
    "timeShift": "",
    "title": "",
    "transparent": False,
}
TARGET: Model = {
    "direction": "backward",
    "exemplar": False,
    "format": "time_series",
    "hide": False,
    "interval": "",
    "intervalFactor": 1,
    "legendFormat": "",
    "resolution": 1,
    "step": "",
}
THRESHOLDS: Model = {"mode": "absolute", "steps": [{"color": "green", "value": None}, {"color": "red", "value": 80}]}
_HIDE: Model = {"legend": False, "tooltip": False, "viz": False}
_AXIS: Model = {
    "axisBorderShow": False,
    "axisCenteredZero": False,
    "axisColorMode": "text",
    "axisLabel": "",
    "axisPlacement": "auto",
    "hideFrom": _HIDE,
    "lineWidth": 1,
    "scaleDistribution": {"type": "linear"},
    "thresholdsStyle": {"mode": "off"},
}
_LEGEND: Model = {"displayMode": "list", "placement": "bottom", "showLegend": True}
_TOOLTIP: Model = {"hideZeros": False, "mode": "single", "sort": "none"}
_REDUCE: Model = {"calcs": ["lastNotNull"], "fields": "", "values": False}
#: Of every panel's fieldConfig.defaults.
FIELD: Model = {"displayName": "", "unit": ""}
_BY_THRESHOLD: Model = {"color": {"mode": "thresholds"}}
_BY_SERIES: Model = {"color": {"mode": "palette-classic"}}
_BARS: Model = {"fillOpacity": 80, "gradientMode": "none"}
#: Panel type -> (``fieldConfig.defaults``, ``options``).
BY_TYPE: Mapping[str, tuple[Model, Model]] = {
    "timeseries": (
        _BY_SERIES
        | {
            "custom": _AXIS
            | {
                "barAlignment": 0,
                "barWidthFactor": 0.6,
                "drawStyle": "line",
                "fillOpacity": 0,
                "gradientMode": "none",
                "insertNulls": False,
                "lineInterpolation": "linear",
                "lineStyle": {"fill": "solid"},
                "pointSize": 5,
                "showPoints": "auto",
                "showValues": False,
                "spanNulls": False,
                "stacking": {"group": "A", "mode": "none"},
            }
        },
        {
            "legend": _LEGEND | {"enableFacetedFilter": False, "facetedFilterPinned": False},
            "tooltip": _TOOLTIP,
        },
    ),
    "stat": (
        _BY_THRESHOLD,
        {
            "colorMode": "value",
            "graphMode": "area",
            "justifyMode": "auto",
            "orientation": "auto",
            "percentChangeColorMode": "standard",
            "reduceOptions": _REDUCE,
            "showPercentChange": False,
            "textMode": "auto",
            "wideLayout": True,
        },
    ),
    "logs": (
        {},
        {
            "dedupStrategy": "none",
            "enableInfiniteScrolling": False,
            "enableLogDetails": True,
            "prettifyLogMessage": False,
            "showCommonLabels": False,
            "showControls": False,
            "showLabels": False,
            "showLogContextToggle": False,
            "showTime": False,
            "sortOrder": "Descending",
            "wrapLogMessage": False,
        },
    ),
    "text": (
        {},
        {
            "code": {"language": "plaintext", "showLineNumbers": False, "showMiniMap": False},
            "mode": "markdown",
            "renderMode": "once",
        },
    ),
    "table": (
        _BY_THRESHOLD
        | {
            "custom": {
                "align": "auto",
                "cellOptions": {"type": "auto"},
                "filterable": False,
                "hideFrom": _HIDE,
                "inspect": False,
            }
        },
        {"cellHeight": "sm", "enablePagination": False, "frameIndex": 0, "showHeader": True, "showTypeIcons": False},
    ),
    "gauge": (
        _BY_THRESHOLD,
        {
            "minVizHeight": 75,
            "minVizWidth": 75,
            "orientation": "auto",
            "reduceOptions": _REDUCE,
            "showThresholdLabels": False,
            "showThresholdMarkers": True,
            "sizing": "auto",
        },
    ),
    "bargauge": (
        _BY_THRESHOLD,
        {
            "displayMode": "gradient",
            "legend": _LEGEND | {"showLegend": False},
            "maxVizHeight": 300,
            "minVizHeight": 16,
            "minVizWidth": 8,
            "namePlacement": "auto",
            "orientation": "auto",
            "reduceOptions": _REDUCE,
            "showUnfilled": True,
            "sizing": "auto",
            "valueMode": "color",
        },
    ),
    "barchart": (
        _BY_SERIES | {"custom": _AXIS | _BARS},
        {
            "barRadius": 0,
            "barWidth": 0.97,
            "fullHighlight": False,
            "groupWidth": 0.7,
            "legend": _LEGEND,
            "orientation": "auto",
            "showValue": "auto",
            "stacking": "none",
            "tooltip": _TOOLTIP,
            "xTickLabelRotation": 0,
            "xTickLabelSpacing": 0,
        },
    ),
    "histogram": (_BY_SERIES | {"custom": _BARS | {"hideFrom": _HIDE, "lineWidth": 1}}, {"bucketOffset": 0}),
    "state-timeline": (
        _BY_THRESHOLD | {"custom": {"fillOpacity": 70, "hideFrom": _HIDE, "lineWidth": 0}},
        {"alignValue": "left", "mergeValues": True, "perPage": 20, "rowHeight": 0.9, "showValue": "auto"},
    ),
}
