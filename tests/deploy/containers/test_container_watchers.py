"""Tests of Prometheus, Alertmanager, Loki, Alloy and node_exporter."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from obskit.deploy.containers import _alloy_config, _targets, alloy, loki, node_exporter, prometheus
from obskit.deploy.resource import Fields, Join, Ref
from obskit.deploy.services import FargateService
from obskit.deploy.spec import StackSpec, Telemetry
from tests.support.stack import PLACE, example_spec


def _prometheus(spec: StackSpec | None = None) -> FargateService:
    (service,) = prometheus.services(spec or example_spec(), PLACE)
    return service


def _statement(service: FargateService, sid: str) -> Fields:
    return next(statement for statement in service.permissions if statement["Sid"] == sid)


# Prometheus and Alertmanager


def test_samples_are_kept_as_long_as_told_and_as_there_is_room() -> None:
    """A full disk would end Prometheus; four fifths of 50 GiB are left to samples."""
    command = _prometheus(example_spec(telemetry=Telemetry(metrics_days=40))).program.command

    assert "--storage.tsdb.retention.time=40d" in command
    assert "--storage.tsdb.retention.size=40960MB" in command


def test_nobody_reloads_or_deletes_by_http() -> None:
    """A new configuration is a new revision."""
    assert not any(re.search("enable-lifecycle|enable-admin", text) for text in _prometheus().program.command)


def test_prometheus_may_ask_ecs_and_nothing_else() -> None:
    """Its discovery describes the default cluster first, and every task's network interface."""
    service = _prometheus()
    cluster = "arn:aws:ecs:eu-west-1:123456789012:cluster/shop"

    assert _statement(service, "DescribeClusters")["Resource"] == (
        "arn:aws:ecs:eu-west-1:123456789012:cluster/default",
        cluster,
    )
    assert _statement(service, "ListTasks")["Condition"] == {"ArnEquals": {"ecs:cluster": (cluster,)}}
    actions = {action for s in service.permissions for action in s["Action"]}  # type: ignore[union-attr]
    assert actions == {
        "ec2:DescribeNetworkInterfaces",
        "ecs:DescribeClusters",
        "ecs:DescribeServices",
        "ecs:DescribeTasks",
        "ecs:ListServices",
        "ecs:ListTasks",
        "s3:GetObject",
        "s3:ListBucket",
    }


def test_with_dns_prometheus_asks_nobody_in_aws() -> None:
    """Its role has nothing but its files."""
    service = _prometheus(example_spec(telemetry=Telemetry(discovery="dns")))

    assert {s["Sid"] for s in service.permissions} == {"ListConfiguration", "ReadConfiguration"}


def test_with_a_workspace_prometheus_writes_to_it() -> None:
    """Its address is filled in by the init container, its permission is for this workspace."""
    service = _prometheus(example_spec(telemetry=Telemetry(workspace=True)))
    (files,) = (c for c in service.containers if c.name == "files")

    assert ("REMOTE_WRITE_ENDPOINT", Ref("metrics_workspace.main", "endpoint")) in files.environment
    assert _statement(service, "WriteSamples")["Resource"] == (Ref("metrics_workspace.main", "arn"),)


def test_without_an_address_alertmanager_tells_nobody() -> None:
    """It does not try an address that is not there: that would look like alerts that somebody gets."""
    configuration = _prometheus(example_spec()).configuration
    assert configuration is not None
    told = yaml.safe_load(configuration["alertmanager.yml"])

    assert (told["route"], told["receivers"]) == ({"receiver": "nobody"}, [{"name": "nobody"}])
    assert told["inhibit_rules"]


def test_prometheus_overlaps_in_a_deployment_and_loki_does_not() -> None:
    """Two compactors on one bucket would delete each other's index; of alerts a gap would be worse than an overlap."""
    prometheus, (loki, _) = _prometheus(), _loki()

    assert (prometheus.minimum_healthy, prometheus.maximum) == (100, 200)
    assert (loki.minimum_healthy, loki.maximum) == (0, 100)


def test_alertmanager_tells_obskit_where_the_stack_file_says(tmp_path: Path) -> None:
    """The configuration is one that amtool accepts."""
    spec = example_spec(telemetry=Telemetry(obskit_url="https://obskit.example.com/alerts"))
    configuration = _prometheus(spec).configuration
    assert configuration is not None
    path = tmp_path / "alertmanager.yml"
    path.write_text(configuration["alertmanager.yml"], encoding="utf-8")

    assert "https://obskit.example.com/alerts" in configuration["alertmanager.yml"]
    if shutil.which("amtool") is None:
        pytest.skip("amtool is not installed")
    done = subprocess.run(["amtool", "check-config", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# Loki


def _loki(**telemetry: Any) -> tuple[FargateService, dict[str, Any]]:
    (service,) = loki.services(example_spec(telemetry=Telemetry(**telemetry)), PLACE)
    assert service.configuration is not None
    return service, yaml.safe_load(service.configuration["loki.yml"])


def test_loki_keeps_chunks_in_its_bucket_and_deletes_them_in_time() -> None:
    """The bucket's name comes from the environment, which the binary is told to fill in."""
    service, config = _loki(loki_days=10)

    assert config["common"]["storage"]["s3"]["bucketnames"] == "${LOKI_BUCKET}"
    assert "-config.expand-env=true" in service.program.command
    assert service.program.environment == (("LOKI_BUCKET", Ref("bucket.loki", "name")),)
    assert config["limits_config"]["retention_period"] == "240h"
    assert config["compactor"]["retention_enabled"] is True
    (schema,) = config["schema_config"]["configs"]
    assert (schema["store"], schema["schema"], schema["object_store"]) == ("tsdb", "v13", "s3")


def test_loki_reaches_its_own_bucket_and_no_other() -> None:
    """But its files in the bucket of configurations."""
    service, _ = _loki()

    own = _statement(service, "KeepChunks")
    assert own["Resource"] == (Join((Ref("bucket.loki", "arn"), "/*")),)
    assert _statement(service, "ListChunks")["Resource"] == (Ref("bucket.loki", "arn"),)


def test_what_loki_writes_lies_on_the_volume() -> None:
    """Its root file system cannot be written."""
    service, config = _loki()
    (data,) = (m.path for m in service.program.mounts if m.volume == "data")

    for path in (
        config["common"]["path_prefix"],
        config["ingester"]["wal"]["dir"],
        config["compactor"]["working_directory"],
        config["ruler"]["rule_path"],
    ):
        assert path == data or path.startswith(f"{data}/")


def test_lokis_rules_lie_where_its_only_tenant_looks() -> None:
    """Without authentication the tenant is called fake; a rule elsewhere is never evaluated."""
    service, config = _loki()
    rules = [name for name in service.configuration or () if name.startswith("rules/")]

    assert rules
    assert all(re.fullmatch(r"rules/fake/[\w-]+\.rules\.yml", name) for name in rules)
    assert config["ruler"]["storage"]["local"]["directory"] == "/config/rules"
    assert config["ruler"]["alertmanager_url"] == "http://prometheus.shop.internal:9093"
    assert ("loki", (9093,)) in _prometheus().callers


# Alloy


def _level(line: str) -> str | None:
    """Return the level as Alloy's stages find it: the later one wins."""
    found = [re.search(pattern, line) for pattern in (_alloy_config.SPOKEN, _alloy_config.FIELD)]
    levels = [match["level"].lower() for match in found if match]
    return levels[-1] if levels else None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"time":"2025-06-01T12:00:00Z","level":"error","msg":"x"}', "error"),
        ('{"msg":"the level is INFO","severity": "WARNING"}', "warning"),
        ('ts=2025-06-01T12:00:00Z level=warn msg="an ERROR was retried"', "warn"),
        ("2025-06-01 12:00:00,123 ERROR shop.cart: no such item", "error"),
        ("[INFO] started", "info"),
        ("INFO:     10.0.0.1:4711 - GET /error 200", "info"),
        ("GET /errors 200 information", None),
        ('{"msg":"no ERROR here"}', None),
        ("plain words", None),
    ],
)
def test_the_level_of_a_line_is_found_where_it_says_so(line: str, expected: str | None) -> None:
    """A word somewhere in a message is not a level."""
    assert _level(line) == expected


def test_alloys_configuration_refers_to_what_it_defines() -> None:
    """There is no Alloy here to parse it: names and braces are checked, the rest was read in its documentation."""
    text = _alloy_config.config(example_spec())
    code = re.sub(r"`[^`]*`", "``", text)
    defined = {f"{kind}.{label}" for kind, label in re.findall(r'^([\w.]+) "(\w+)" \{$', code, re.MULTILINE)}
    referred = set(re.findall(r"\[((?:\w+\.)+\w+)\.(?:receiver|input)\]", code))

    assert code.count("{") == code.count("}")
    assert code.count('"') % 2 == 0
    assert referred == defined - {"loki.source.api.routers", "otelcol.receiver.awscloudwatch.events"}
    assert text.count("`") % 2 == 0


def test_what_alloy_leaves_open_is_filled_in_at_the_start() -> None:
    """Without a time to start from it would read the whole log group."""
    (service,) = alloy.services(example_spec(), PLACE)
    (files,) = (c for c in service.containers if c.name == "files")
    (open_,) = set(re.findall(r"@(\w+)@", (service.configuration or {})["config.alloy"]))

    assert f"{open_}=" in files.command[0]
    assert f"@{open_}@" in files.command[0]
    environment = dict(service.program.environment)
    assert set(re.findall(r'sys\.env\("(\w+)"\)', _alloy_config.config(example_spec()))) <= environment.keys()


def test_events_get_the_label_that_the_catalogue_asks_for() -> None:
    """Alloy drops labels that begin with two underscores."""
    from obskit.catalogue._logql import EVENTS

    label = re.match(r"\{(\w+)=~", EVENTS)

    assert label is not None
    assert not label[1].startswith("__")
    assert f'{label[1]} = sys.env("EVENTS_LOG_GROUP")' in _alloy_config.config(example_spec())


def test_alloy_reads_one_log_group() -> None:
    """That of ECS' events."""
    (service,) = alloy.services(example_spec(), PLACE)
    group = Ref("log_group.events", "arn")

    assert _statement(service, "ReadEvents")["Resource"] == (group, Join((group, ":*")))
    assert service.callers == (("demo-app", (3100,)),)


# node_exporter, and the images of all


def test_node_exporter_reads_only_what_a_micro_vm_has() -> None:
    """Every other collector would fail at each scrape."""
    (service,) = node_exporter.services(example_spec(), PLACE)

    assert "--collector.disable-defaults" in service.program.command
    assert "--collector.cpu" in service.program.command
    assert service.callers == ()


@pytest.mark.parametrize("name", sorted(_targets.WATCHER_PORTS))
def test_a_stack_file_may_set_a_watchers_version(name: str) -> None:
    """A tag alone is one of the official repository."""
    from obskit.deploy.services import services

    spec = example_spec()
    watchers = tuple(replace(w, image="v0.0.1") if w.name == name else w for w in spec.watchers)

    found = {s.name: s for s in services(replace(spec, watchers=watchers), PLACE)}

    assert found[name].program.image.endswith(":v0.0.1")
