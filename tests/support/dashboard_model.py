"""A small dashboard that breaks no rule, and a way to break one of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from obskit.ascode.check import Case, run
from obskit.ascode.definition import Definition, Model, Problem

#: As the value of a change: takes the key out.
GONE = object()

PROMETHEUS = {"type": "prometheus", "uid": "${prometheus_datasource}"}
LOKI = {"type": "loki", "uid": "${loki_datasource}"}
MATCHERS = 'job=~"$job",instance=~"$instance"'
RATE = f"sum by (instance) (rate(http_requests_total{{{MATCHERS}}}[$__rate_interval]))"

P90 = f"histogram_quantile(0.9, sum by (le) (rate(http_seconds_bucket{{{MATCHERS}}}[$__rate_interval])))"


def good_model() -> Model:
    """Return a dashboard with a row, two Prometheus panels, a Loki panel, words and links."""
    return {
        "uid": "shop",
        "title": "Shop",
        "tags": ["obskit"],
        "editable": False,
        "links": [
            {"type": "dashboards", "title": "Dashboards", "tags": ["obskit"]},
            {"type": "link", "title": "Wiki", "url": "https://wiki.example.com/shop"},
        ],
        "annotations": {
            "list": [
                {"builtIn": 1, "name": "Annotations", "datasource": {"type": "grafana", "uid": "-- Grafana --"}},
                {"name": "Restarts", "datasource": PROMETHEUS, "expr": f"resets(up_total{{{MATCHERS}}}[1h])"},
            ]
        },
        "templating": {
            "list": [
                {
                    "name": "prometheus_datasource",
                    "label": "Prometheus data source",
                    "type": "datasource",
                    "query": "prometheus",
                },
                {"name": "loki_datasource", "label": "Loki data source", "type": "datasource", "query": "loki"},
                _variable("job", "label_values(up, job)", PROMETHEUS),
                _variable("instance", 'label_values(up{job=~"$job"}, instance)', PROMETHEUS),
                _variable("service", "label_values(service)", LOKI),
            ]
        },
        "panels": [
            {"id": 1, "type": "row", "title": "Traffic", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}},
            {
                "id": 2,
                "type": "timeseries",
                "title": "Requests",
                "description": "What users ask for.\n\nSignal: `http_requests`.",
                "datasource": PROMETHEUS,
                "fieldConfig": {"defaults": {"unit": "reqps", "thresholds": _thresholds()}},
                "gridPos": {"x": 0, "y": 1, "w": 12, "h": 8},
                "links": [
                    {"title": "Runbook", "url": "https://git.example.com/runbooks/causes/traffic_surge.md"},
                    {"title": "More", "url": "/d/detail/more?viewPanel=7&var-job=${job}"},
                ],
                "targets": [{"refId": "A", "expr": RATE, "legendFormat": "{{instance}}", "datasource": PROMETHEUS}],
            },
            {
                "id": 3,
                "type": "stat",
                "title": "Errors",
                "description": "Share of requests that fail.\n\nSignal: `http_error_ratio`.",
                "datasource": PROMETHEUS,
                "fieldConfig": {"defaults": {"unit": "percentunit"}},
                "gridPos": {"x": 12, "y": 1, "w": 12, "h": 8},
                "repeat": "instance",
                "targets": [
                    {
                        "refId": "A",
                        "expr": P90,
                        "datasource": PROMETHEUS,
                    }
                ],
            },
            {
                "id": 4,
                "type": "timeseries",
                "title": "Lines",
                "description": "Log lines. See [the detail](/d/detail).",
                "datasource": LOKI,
                "fieldConfig": {"defaults": {"unit": "short"}},
                "gridPos": {"x": 0, "y": 9, "w": 24, "h": 8},
                "targets": [
                    {
                        "refId": "A",
                        "expr": 'sum(count_over_time({service=~"$service"} |= `{[5m]}` [$__auto]))',
                        "queryType": "range",
                        "datasource": LOKI,
                    }
                ],
            },
            {
                "id": 5,
                "type": "text",
                "title": "",
                "gridPos": {"x": 0, "y": 17, "w": 24, "h": 3},
                "options": {"content": "Read [this](https://example.com)."},
            },
        ],
    }


def detail_model() -> Model:
    """Return the dashboard that the first one links to."""
    model = good_model()
    model |= {"uid": "detail", "title": "Detail", "links": []}
    model["panels"] = [{**model["panels"][1], "id": 7, "links": []}]
    return model


def changed(model: Model, changes: Mapping[str, object]) -> Model:
    """Return a copy in which what stands at each dotted path is another value; `GONE` takes it out."""
    model = json.loads(json.dumps(model))  # no two places share an object, as a deep copy would let them
    for path, value in changes.items():
        *above, last = path.split(".")
        owner: Any = model
        for key in above:
            owner = owner[int(key)] if isinstance(owner, list) else owner[key]
        place: Any = int(last) if isinstance(owner, list) else last
        if value is GONE:
            del owner[place]
        else:
            owner[place] = value
    return model


def definition(model: Model, name: str = "x", folder: Path = Path()) -> Definition:
    """Return a definition of that model."""
    return Definition(name=name, path=folder / f"{name}.dashboard.py", source="dashboard = 1\n", model=model)


def case(model: Model, folder: Path, *more: Definition) -> Case:
    """Return a case of the model and of the dashboard that it links to, with a runbook and no alerts."""
    runbooks = folder / "runbooks"
    (runbooks / "causes").mkdir(parents=True, exist_ok=True)
    (runbooks / "causes" / "traffic_surge.md").write_text("# Traffic\n", encoding="utf-8")
    (folder / "alerts").mkdir(exist_ok=True)
    definitions = (definition(model), definition(detail_model(), "detail"), *more)
    return Case(definitions=definitions, runbooks=runbooks, alerts=folder / "alerts")


def found(check: str, model: Model, folder: Path, *more: Definition) -> list[Problem]:
    """Return what one check says about the model."""
    return list(run(case(model, folder, *more), [check]).problems)


def _variable(name: str, query: str, source: Model) -> Model:
    return {
        "name": name,
        "label": name.capitalize(),
        "type": "query",
        "query": query,
        "datasource": source,
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
    }


def _thresholds() -> Model:
    return {"mode": "absolute", "steps": [{"color": "green", "value": None}, {"color": "red", "value": 100}]}
