"""Prometheus' configuration: what it scrapes, how it finds it, and where else it writes.

``discovery = "ecs"``: Prometheus asks ECS (3.8 and newer) and one job finds every service's tasks; relabeling
sets the port. ``discovery = "dns"``: one job a service asks Cloud Map, whose answers hold at most eight tasks.
Both give the same labels: ``job`` and ``service`` (the service's name), ``task_id``, ``cluster`` (the stack's
name). DNS knows no task's id: there ``task_id`` is its address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from obskit.ascode.alerts.build import INTERVAL
from obskit.ascode.provisioning import SCRAPE_INTERVAL
from obskit.deploy.containers import _files, _targets

if TYPE_CHECKING:
    from obskit.deploy.containers._targets import Target
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import StackSpec

Document = dict[str, Any]

#: What the init container replaces by the workspace's address, which is known once it exists: Prometheus itself
#: fills in nothing but external labels from its environment.
ENDPOINT: Final = "REMOTE_WRITE_ENDPOINT"
#: ECS is asked this often; a new task is found after that at the latest.
_ECS_REFRESH: Final = "30s"
_DNS_REFRESH: Final = "15s"


def document(spec: StackSpec, place: Place) -> Document:
    """Return the configuration."""
    local = f"localhost:{_targets.ALERTMANAGER_PORT}"
    jobs = _ecs_jobs(spec, place) if spec.telemetry.discovery == "ecs" else _dns_jobs(spec)
    found: Document = {
        "global": {
            "scrape_interval": SCRAPE_INTERVAL,
            "evaluation_interval": INTERVAL,
            "external_labels": {"cluster": spec.name},
        },
        "rule_files": [f"{_files.CONFIG_PATH}/rules/*.rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [local]}]}]},
        "scrape_configs": [*jobs, _alertmanager(spec, local)],
    }
    if spec.telemetry.workspace:
        found["remote_write"] = [_remote_write(place)]
    return found


def cluster_arn(spec: StackSpec, place: Place) -> str:
    """Return the ARN of the stack's cluster; Prometheus crashes over a cluster's name alone."""
    return place.arn("ecs", f"cluster/{spec.name}")


def _alertmanager(spec: StackSpec, local: str) -> Document:
    labels = {"service": "alertmanager", "cluster": spec.name}
    return {"job_name": "alertmanager", "static_configs": [{"targets": [local], "labels": labels}]}


def _remote_write(place: Place) -> Document:
    return {
        "url": f"@{ENDPOINT}@/api/v1/remote_write",
        "sigv4": {"region": place.region},
        # As AWS advises for its workspaces: fewer, larger requests.
        "queue_config": {"max_samples_per_send": 1000, "max_shards": 200, "capacity": 2500},
    }


def _ecs_jobs(spec: StackSpec, place: Place) -> list[Document]:
    found = _targets.targets(spec)
    search = {
        "role": "ecs",
        "region": place.region,
        "clusters": [cluster_arn(spec, place)],
        "refresh_interval": _ECS_REFRESH,
    }
    known = "|".join(target.service for target in found)
    running = [
        {"source_labels": ["__meta_ecs_last_status", "__meta_ecs_desired_status"], "regex": "RUNNING;RUNNING"},
        {"source_labels": ["__meta_ecs_service"], "regex": known},
    ]
    kept = [{**rule, "action": "keep"} for rule in running]
    programs = {
        "job_name": "ecs",
        "aws_sd_configs": [{**search, "port": 80}],
        "relabel_configs": [*kept, *_ports(found), *_paths(found), *_ecs_labels(job=True)],
    }
    sidecars = {
        "job_name": _targets.EXPORTER_JOB,
        "aws_sd_configs": [{**search, "port": _targets.EXPORTER_PORT}],
        "relabel_configs": [*kept, *_ecs_labels(job=False)],
    }
    return [programs, sidecars]


def _ports(found: tuple[Target, ...]) -> list[Document]:
    return [
        {
            "source_labels": ["__meta_ecs_service", "__meta_ecs_ip_address"],
            "regex": f"{target.service};(.+)",
            "target_label": "__address__",
            "replacement": f"${{1}}:{target.port}",
        }
        for target in found
    ]


def _paths(found: tuple[Target, ...]) -> list[Document]:
    return [
        {
            "source_labels": ["__meta_ecs_service"],
            "regex": target.service,
            "target_label": "__metrics_path__",
            "replacement": target.path,
        }
        for target in found
        if target.path != "/metrics"
    ]


def _ecs_labels(*, job: bool) -> list[Document]:
    found: list[Document] = [
        {"source_labels": ["__meta_ecs_service"], "target_label": "service"},
        {"source_labels": ["__meta_ecs_cluster"], "target_label": "cluster"},
        {"source_labels": ["__meta_ecs_task_arn"], "regex": ".*/([^/]+)", "target_label": "task_id"},
    ]
    return [*found, {"source_labels": ["__meta_ecs_service"], "target_label": "job"}] if job else found


def _dns_jobs(spec: StackSpec) -> list[Document]:
    found = _targets.targets(spec)
    jobs = []
    for target in found:
        job: Document = {"job_name": target.service}
        if target.path != "/metrics":
            job["metrics_path"] = target.path
        jobs.append({**job, **_asked(spec, (target.service,), target.port)})
    names = tuple(target.service for target in found)
    return [*jobs, {"job_name": _targets.EXPORTER_JOB, **_asked(spec, names, _targets.EXPORTER_PORT)}]


def _asked(spec: StackSpec, names: tuple[str, ...], port: int) -> Document:
    """Return the discovery of some services by Cloud Map, and the labels of what it finds."""
    return {
        "dns_sd_configs": [
            {
                "names": [f"{name}.{spec.namespace}" for name in names],
                "type": "A",
                "port": port,
                "refresh_interval": _DNS_REFRESH,
            }
        ],
        "relabel_configs": [
            {"source_labels": ["__meta_dns_name"], "regex": r"([^.]+)\..*", "target_label": "service"},
            {"source_labels": ["__address__"], "regex": "(.+):[0-9]+", "target_label": "task_id"},
            {"target_label": "cluster", "replacement": spec.name},
        ],
    }
