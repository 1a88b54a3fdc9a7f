"""Tests of what Prometheus scrapes, with real promtool and a real Prometheus."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from obskit.deploy.containers import _files, _scrape, prometheus
from obskit.deploy.spec import Application, StackSpec, Telemetry
from tests.support.servers import POLL_SECONDS, START_SECONDS, PrometheusServer
from tests.support.stack import PLACE, example_spec

Labels = dict[str, str]
Found = Mapping[tuple[str, str], Labels]
#: What a Prometheus older than 3.8 cannot read.
_NEW = "aws_sd_configs"
_ARN = "arn:aws:ecs:eu-west-1:123456789012:task/shop/"


def _spec(discovery: Literal["ecs", "dns"], **telemetry: Any) -> StackSpec:
    spec = example_spec(telemetry=Telemetry(discovery=discovery, **telemetry))
    billing = Application(name="billing", image="1", port=9000, metrics_path="/internal/metrics")
    return replace(spec, applications=(*spec.applications, billing))


def _files_of(spec: StackSpec) -> Mapping[str, str]:
    (service,) = prometheus.services(spec, PLACE)
    assert service.configuration is not None
    return service.configuration


def _checked(folder: Path, files: Mapping[str, str]) -> None:
    """Let promtool check a whole configuration with its rules."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(_files.CONFIG_PATH, str(folder)), encoding="utf-8")
    asked = ["promtool", "check", "config", str(folder / "prometheus.yml")]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"SUCCESS: \d\d+ rules found", done.stdout), "the rules are found by their pattern"


def _without_new(text: str) -> str:
    """Put an empty discovery in the place of the one that only a newer Prometheus knows."""
    document = yaml.safe_load(text)
    for job in document["scrape_configs"]:
        if _NEW in job:
            job["file_sd_configs"] = [{"files": ["none.json"]}]
            del job[_NEW]
    return str(yaml.safe_dump(document))


def test_promtool_accepts_the_whole_dns_form(tmp_path: Path) -> None:
    """Jobs, rules, and where alerts go."""
    _checked(tmp_path, _files_of(_spec("dns")))


def test_promtool_accepts_the_ecs_form_but_its_discovery(tmp_path: Path) -> None:
    """Debian's promtool is older than the discovery of ECS; everything around it is checked."""
    files = _files_of(_spec("ecs"))

    _checked(tmp_path, {**files, "prometheus.yml": _without_new(files["prometheus.yml"])})


def test_promtool_accepts_remote_write_once_its_address_is_filled_in(tmp_path: Path) -> None:
    """The init container puts the workspace's address in the place of its name."""
    files = _files_of(_spec("dns", workspace=True))
    address = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1"
    text = files["prometheus.yml"].replace(f"@{_scrape.ENDPOINT}@", address)

    _checked(tmp_path, {**files, "prometheus.yml": text})

    (written,) = yaml.safe_load(text)["remote_write"]
    assert written["url"] == f"{address}/api/v1/remote_write"
    assert written["sigv4"] == {"region": "eu-west-1"}


def test_the_cluster_is_named_by_its_arn() -> None:
    """Prometheus keeps clusters by ARN and crashes when it is given a name."""
    for job in _scrape.document(_spec("ecs"), PLACE)["scrape_configs"]:
        for search in job.get(_NEW, ()):
            assert search["role"] == "ecs"
            assert search["clusters"] == ["arn:aws:ecs:eu-west-1:123456789012:cluster/shop"]


class _Relabelling(PrometheusServer):
    """A Prometheus whose discovery answers what files say; it scrapes nobody that is there.

    Args:
        jobs: Scrape configurations with any discovery, and the labels of the targets that this finds.
    """

    def __init__(self, jobs: Sequence[tuple[Mapping[str, Any], Sequence[Labels]]]) -> None:
        super().__init__()
        self._jobs = jobs

    def command(self) -> list[str]:
        """Write its configuration and what discovery finds, and return the arguments."""
        arguments = super().command()
        written = []
        for job, found in self._jobs:
            name = f"{job['job_name']}.json"
            (self.folder / name).write_text(json.dumps([_group(labels) for labels in found]), encoding="utf-8")
            kept = {key: value for key, value in job.items() if not key.endswith("_sd_configs")}
            written.append({**kept, "file_sd_configs": [{"files": [name]}]})
        config = {"global": {"scrape_interval": "1h"}, "scrape_configs": written}
        (self.folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
        return arguments

    def targets(self) -> Found:
        """Return the labels of each target by its job's name and its address, once discovery has answered."""
        assert self._process is not None
        expected = sum(len(found) for _, found in self._jobs)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            with urllib.request.urlopen(f"{self.url}/api/v1/targets", timeout=5) as reply:
                data = json.load(reply)["data"]
            if len(data["activeTargets"]) + len(data["droppedTargets"]) >= expected:
                return {(row["scrapePool"], row["scrapeUrl"]): row["labels"] for row in data["activeTargets"]}
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(POLL_SECONDS)
                break
        raise RuntimeError("discovery did not answer")


def _group(labels: Labels) -> dict[str, Any]:
    others = {name: value for name, value in labels.items() if name != "__address__"}
    return {"targets": [labels["__address__"]], "labels": others}


def _task(service: str, ip: str, task: str, **more: str) -> Labels:
    """Return what Prometheus says of a task of ECS, by the names in its documentation."""
    found = {
        "ecs_cluster": "shop",
        "ecs_service": service,
        "ecs_task_arn": f"{_ARN}{task}",
        "ecs_ip_address": ip,
        "ecs_last_status": "RUNNING",
        "ecs_desired_status": "RUNNING",
        **more,
    }
    return {"__address__": f"{ip}:80", **{f"__meta_{name}": value for name, value in found.items()}}


@pytest.fixture(scope="module")
def relabelled() -> Found:
    """Return what one real Prometheus makes of targets that each form of discovery finds."""
    ecs, sidecars = (job for job in _scrape.document(_spec("ecs"), PLACE)["scrape_configs"] if _NEW in job)
    dns = {job["job_name"]: job for job in _scrape.document(_spec("dns"), PLACE)["scrape_configs"]}
    tasks = [
        _task("demo-app", "10.0.0.1", "aaa"),
        _task("demo-app", "10.0.0.2", "bbb", ecs_desired_status="STOPPED"),
        _task("demo-app", "10.0.0.3", "ccc", ecs_last_status="PENDING"),
        _task("billing", "10.0.0.4", "ddd"),
        _task("alloy", "10.0.0.5", "eee"),
        _task("demo-app-stranger", "10.0.0.6", "fff"),
    ]
    # The sidecars' discovery gives addresses with their port already.
    beside = [{**labels, "__address__": labels["__address__"].replace(":80", ":9779")} for labels in tasks]
    named = [{"__address__": "10.0.0.1:9000", "__meta_dns_name": "billing.shop.internal"}]
    with _Relabelling([(ecs, tasks), (sidecars, beside), (dns["billing"], named)]) as server:
        return server.targets()


def test_relabeling_finds_port_path_and_labels_of_each_task(relabelled: Found) -> None:
    """One discovery serves all services; a task that goes or comes, or is nobody's, is not scraped."""
    got = {url: labels for (pool, url), labels in relabelled.items() if pool in ("ecs", "ecs-exporter")}

    assert {url: (labels["job"], labels["service"], labels["task_id"]) for url, labels in got.items()} == {
        "http://10.0.0.1:8080/metrics": ("demo-app", "demo-app", "aaa"),
        "http://10.0.0.4:9000/internal/metrics": ("billing", "billing", "ddd"),
        "http://10.0.0.5:12345/metrics": ("alloy", "alloy", "eee"),
        "http://10.0.0.1:9779/metrics": ("ecs-exporter", "demo-app", "aaa"),
        "http://10.0.0.4:9779/metrics": ("ecs-exporter", "billing", "ddd"),
        "http://10.0.0.5:9779/metrics": ("ecs-exporter", "alloy", "eee"),
    }
    assert {labels["cluster"] for labels in got.values()} == {"shop"}
    assert {name for labels in got.values() for name in labels} == {"job", "service", "task_id", "cluster", "instance"}


def test_relabeling_of_dns_gives_the_same_labels(relabelled: Found) -> None:
    """DNS knows no task's id; the address stands for it."""
    got = {url: labels for (pool, url), labels in relabelled.items() if pool == "billing"}

    assert got == {
        "http://10.0.0.1:9000/internal/metrics": {
            "job": "billing",
            "service": "billing",
            "task_id": "10.0.0.1",
            "cluster": "shop",
            "instance": "10.0.0.1:9000",
        }
    }


def test_dns_asks_for_every_service_at_its_port() -> None:
    """And for the sidecar of each."""
    jobs = {job["job_name"]: job for job in _scrape.document(_spec("dns"), PLACE)["scrape_configs"]}
    asked = {name: job["dns_sd_configs"][0] for name, job in jobs.items() if "dns_sd_configs" in job}

    assert {name: search["port"] for name, search in asked.items()} == {
        "demo-app": 8080,
        "billing": 9000,
        "prometheus": 9090,
        "grafana": 3000,
        "loki": 3100,
        "alloy": 12345,
        "node-exporter": 9100,
        "ecs-exporter": 9779,
    }
    assert "billing.shop.internal" in asked["ecs-exporter"]["names"]
    assert all(search["type"] == "A" for search in asked.values())
