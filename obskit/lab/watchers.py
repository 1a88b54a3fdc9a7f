"""Prometheus, Alertmanager and Node Exporter, set up as obskit's stack sets them up: the same jobs and labels."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from obskit.lab.ecs_task import Task
from obskit.lab.settings import LabSettings
from obskit.lab.wire import HOST

#: What Prometheus reads of the tasks that run, and reads again whenever it changes.
TARGETS: Final = "targets.json"
#: The job of the sidecars that tell of tasks, and of the exporter before the database.
EXPORTER_JOB: Final = "ecs-exporter"
DATABASE_JOB: Final = "postgres-exporter"


def prometheus(folder: Path, settings: LabSettings, ports: Mapping[str, int]) -> list[str]:
    """Write Prometheus' configuration and return its arguments.

    Args:
        folder: Its own; it exists.
        settings: How often it scrapes.
        ports: ``prometheus``, ``alertmanager``, ``node-exporter`` and ``metrics``, the supervisor's own.
    """
    write_whole(folder / TARGETS, "[]")
    (folder / "prometheus.yml").write_text(json.dumps(document(settings, ports)), encoding="utf-8")  # JSON is YAML
    return [
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=1d",
        f"--web.listen-address={HOST}:{ports['prometheus']}",
    ]


def document(settings: LabSettings, ports: Mapping[str, int]) -> dict[str, Any]:
    """Return Prometheus' configuration."""
    every = _duration(settings.scrape)
    own = f"{HOST}:{ports['metrics']}"
    watched = ("prometheus", "alertmanager", "node-exporter")
    jobs = [_job(name, f"{HOST}:{ports[name]}", settings.cluster) for name in watched]
    found: dict[str, Any] = {
        "global": {
            "scrape_interval": every,
            "scrape_timeout": every,
            "evaluation_interval": _duration(max(settings.scrape, 5)),
            "external_labels": {"cluster": settings.cluster},
        },
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"{HOST}:{ports['alertmanager']}"]}]}]},
        "scrape_configs": [
            {"job_name": "ecs", "file_sd_configs": [{"files": [TARGETS]}]},
            # It tells of tasks and services under their own labels, as each task's sidecar does.
            {**_job(EXPORTER_JOB, own, settings.cluster, labelled=False), "honor_labels": True},
            {**_job(DATABASE_JOB, own, settings.cluster), "metrics_path": "/postgres"},
            *jobs,
        ],
    }
    if settings.rules:
        found["rule_files"] = [f"{settings.rules.rstrip('/')}/*.rules.yml"]
    return found


def _duration(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


def _job(name: str, target: str, cluster: str, *, labelled: bool = True) -> dict[str, Any]:
    labels = {"cluster": cluster, **({"service": name} if labelled else {})}
    return {"job_name": name, "static_configs": [{"targets": [target], "labels": labels}]}


def targets(tasks: Iterable[Task]) -> list[dict[str, Any]]:
    """Return what is scraped of tasks, as Prometheus' file discovery reads it: those that run and shall."""
    return [
        {
            "targets": [f"{HOST}:{task.port}"],
            "labels": {"job": task.service, "service": task.service, "task_id": task.id, "cluster": task.cluster},
        }
        for task in tasks
        if task.alive and task.status == "RUNNING"
    ]


def alertmanager(folder: Path, ports: Mapping[str, int]) -> list[str]:
    """Write Alertmanager's configuration, which keeps alerts and tells nobody, and return its arguments."""
    body = {"route": {"receiver": "nobody", "group_by": ["alertname", "service"]}, "receivers": [{"name": "nobody"}]}
    (folder / "alertmanager.yml").write_text(json.dumps(body), encoding="utf-8")
    return [
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={HOST}:{ports['alertmanager']}",
        "--cluster.listen-address=",  # no gossip: a lone server
    ]


def node_exporter(ports: Mapping[str, int]) -> list[str]:
    """Return Node Exporter's arguments."""
    return [f"--web.listen-address={HOST}:{ports['node-exporter']}"]


def write_targets(folder: Path, tasks: Sequence[Task]) -> None:
    """Tell Prometheus what to scrape from now on."""
    write_whole(folder / TARGETS, json.dumps(targets(tasks)))


def write_whole(path: Path, text: str) -> None:
    """Write a small file in one step for its readers; it need not survive a power cut."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
