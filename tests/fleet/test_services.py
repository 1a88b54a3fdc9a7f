"""Which services there are is asked of whom knows it best."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from obskit.errors import SourceError, UsageError
from obskit.fleet.services import all_services
from obskit.settings import Settings, load_settings
from tests.support.scenario import WINDOW
from tests.support.servers import free_port


class _Prometheus(BaseHTTPRequestHandler):
    """Knows the values of one label."""

    def do_GET(self) -> None:
        """Answer."""
        known = self.path.startswith("/api/v1/label/team_service/values")
        body = json.dumps({"status": "success", "data": ["shop", "", "auth"] if known else []}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 (as it is called there)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as it is called there)
        """Say nothing."""


@pytest.fixture
def prometheus() -> Iterator[str]:
    """Return a server's address."""
    with HTTPServer(("127.0.0.1", 0), _Prometheus) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def settings(folder: Path, text: str = "", **variables: str) -> Settings:
    """Return settings of a file and variables."""
    (folder / "obskit.toml").write_text(text, encoding="utf-8")
    return load_settings({f"OBSKIT_{name}": value for name, value in variables.items()}, folder)


def test_prometheus_is_asked_for_the_label_that_names_services(prometheus: str, tmp_path: Path) -> None:
    """And the settings' own services are added."""
    text = '[labels]\nservice = "team_service"\n[services.batch]\ndepends_on = ["shop"]\n'
    found = all_services(settings(tmp_path, text, PROMETHEUS_URL=prometheus), cluster="", window=WINDOW)

    assert found == ("auth", "batch", "shop")


def test_ecs_knows_best(prometheus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs there can be triaged; a label in Prometheus may name an exporter."""
    for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    given = settings(tmp_path, PROMETHEUS_URL=prometheus, AWS_REGION="eu-west-1", ECS_CLUSTER="prod")
    with mock_aws():
        ecs = boto3.client("ecs", region_name="eu-west-1")
        ecs.create_cluster(clusterName="prod")
        ecs.register_task_definition(family="any", containerDefinitions=[{"name": "any", "image": "any", "memory": 64}])
        for number in range(12):
            ecs.create_service(cluster="prod", serviceName=f"service-{number:02}", taskDefinition="any", desiredCount=0)

        assert all_services(given, cluster="", window=WINDOW) == tuple(f"service-{n:02}" for n in range(12))
        with pytest.raises(SourceError, match="cluster elsewhere"):
            all_services(given, cluster="elsewhere", window=WINDOW)


def test_a_server_that_does_not_answer_is_no_empty_fleet(tmp_path: Path) -> None:
    """Nothing to look at would look like all is well."""
    given = settings(tmp_path, "deadline_seconds = 1\n", PROMETHEUS_URL=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(SourceError):
        all_services(given, cluster="", window=WINDOW)


def test_without_anybody_to_ask_the_names_are_wanted(tmp_path: Path) -> None:
    """The hint says how."""
    with pytest.raises(UsageError, match="not known") as error:
        all_services(settings(tmp_path), cluster="", window=WINDOW)

    assert "--services a,b,c" in str(error.value)
