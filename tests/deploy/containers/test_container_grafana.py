"""Tests of Grafana, and of its database on a real PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from obskit.deploy.containers import grafana
from obskit.deploy.resource import Join, Ref
from obskit.deploy.services import Container, FargateService, Public
from obskit.deploy.spec import Database
from tests.support.servers import free_port
from tests.support.stack import PLACE, example_spec


def _grafana(*, database: bool = True) -> FargateService:
    spec = replace(example_spec(), database=Database() if database else None)
    (service,) = grafana.services(spec, PLACE)
    return service


def _init() -> Container:
    (found,) = (c for c in _grafana().containers if c.name == "database")
    return found


def test_grafana_is_reached_at_its_host_and_by_https_only() -> None:
    """Cookies are not sent in the clear; nobody comes in without a name."""
    service = _grafana()
    environment = dict(service.program.environment)

    assert service.public == Public(host="grafana.shop.example.com", health_path="/api/health", priority=10)
    assert environment["GF_SERVER_ROOT_URL"] == "https://grafana.shop.example.com/"
    assert environment["GF_SECURITY_COOKIE_SECURE"] == "true"
    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert environment["GF_USERS_ALLOW_SIGN_UP"] == "false"


def test_dashboards_lie_where_the_provider_looks() -> None:
    """All files are below one folder of the task."""
    files = grafana.configuration()
    (provider,) = yaml.safe_load(files["provisioning/dashboards/obskit.yaml"])["providers"]

    assert provider["options"]["path"] == "/config/dashboards"
    assert any(name.startswith("dashboards/") for name in files)
    assert dict(_grafana().program.environment)["GF_PATHS_PROVISIONING"] == "/config/provisioning"


def test_data_sources_are_the_stacks_own() -> None:
    """Grafana fills in addresses from its environment."""
    environment = dict(_grafana().program.environment)
    sources = grafana.configuration()["provisioning/datasources/obskit.yaml"]

    assert environment["OBSKIT_PROMETHEUS_URL"] == "http://prometheus.shop.internal:9090"
    assert environment["OBSKIT_LOKI_URL"] == "http://loki.shop.internal:3100"
    assert "$__env{OBSKIT_PROMETHEUS_URL}" in sources


def test_only_the_init_container_knows_the_owner_of_the_database() -> None:
    """Grafana itself has a role that owns one database."""
    service = _grafana()
    knowing = {c.name for c in service.containers if "secret.database" in str([str(text) for _, text in c.secrets])}

    assert knowing == {"database"}
    assert (("database", "SUCCESS")) in service.program.after
    assert service.database
    assert dict(service.program.secrets)["GF_DATABASE_PASSWORD"] == Join(
        (Ref("secret.grafana-database", "arn"), ":password::")
    )


def test_without_a_database_grafana_keeps_its_own() -> None:
    """Nothing refers to a database that is not wanted."""
    service = _grafana(database=False)

    assert not any(name.startswith("GF_DATABASE") for name, _ in service.program.environment)
    assert [name for name, _ in service.program.secrets] == ["GF_SECURITY_ADMIN_PASSWORD", "GF_SECURITY_SECRET_KEY"]
    assert "database" not in {c.name for c in service.containers}
    assert not service.database


class _Postgres:
    """A PostgreSQL of the tests' own, with an owner who is, as on RDS, no superuser.

    Args:
        folder: Where its data lie.
        programs: Where initdb and postgres are.
    """

    def __init__(self, folder: Path, programs: Path) -> None:
        self.port = free_port()
        self._data, self._programs = folder / "data", programs
        # It refuses to run as root.
        self._user = "postgres" if os.getuid() == 0 else None

    def start(self) -> None:
        """Make it, start it, and make the owner with a database."""
        if self._user:
            shutil.chown(self._data.parent, self._user)
        self._call("initdb", "-D", str(self._data), "-A", "trust", "-U", "root", "--no-sync")
        options = f"-p {self.port} -h 127.0.0.1 -k '' -F"
        # All statements are logged, as they would be by whoever looks for a fault.
        options += " -c log_statement=all -c log_min_duration_statement=0"
        self._call("pg_ctl", "-D", str(self._data), "-w", "-o", options, "-l", str(self._data / "log"), "start")
        self.sql("CREATE ROLE app LOGIN CREATEDB CREATEROLE", user="root", database="postgres")
        self.sql("CREATE DATABASE app OWNER app", user="root", database="postgres")

    def stop(self) -> None:
        """Stop it without ado."""
        self._call("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")

    def log(self) -> str:
        """Return what it has written."""
        return (self._data / "log").read_text()

    def sql(self, text: str, *, user: str, database: str) -> str:
        """Return what PostgreSQL answers."""
        asked = ["psql", "-XAtqc", text, "-h", "127.0.0.1", "-p", str(self.port), "-U", user, database]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()

    def _call(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), *arguments],
            user=self._user,
            cwd=self._data.parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, f"{program} failed"


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Postgres]:
    """Yield a PostgreSQL; skip where none is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found or shutil.which("psql") is None:
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tmp_path_factory.mktemp("postgres", numbered=True))
    for parent in folder.parents:  # pytest's folders, and those of its workers, are its user's alone
        if parent.name.startswith(("pytest-", "popen-")):
            parent.chmod(0o755)
    server = _Postgres(folder, found[-1])
    server.start()
    yield server
    server.stop()


def _run(postgres: _Postgres, password: str) -> subprocess.CompletedProcess[str]:
    """Run the init container's command as ECS would."""
    container = _init()
    env = {
        "PATH": os.environ["PATH"],
        "PGHOST": "127.0.0.1",
        "PGPORT": str(postgres.port),
        "PGDATABASE": "app",
        "PGUSER": "app",
        "GRAFANA_PASSWORD": password,
    }
    asked = [*container.entry_point, *container.command]
    return subprocess.run(
        asked, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, start_new_session=True
    )


def test_the_password_is_in_no_log(postgres: _Postgres) -> None:
    """PostgreSQL writes down statements that fail or are slow; who may read its log is not who may read the secret."""
    done = _run(postgres, "correct-horse-battery")

    assert done.returncode == 0, done.stderr
    assert "CREATE DATABASE grafana" in postgres.log()
    assert "correct-horse-battery" not in postgres.log() + done.stdout + done.stderr


def test_tasks_that_start_at_once_do_it_one_after_the_other(postgres: _Postgres) -> None:
    """PostgreSQL refuses the second of two that change the same role at the same time."""
    postgres.sql("DROP DATABASE IF EXISTS grafana", user="root", database="postgres")
    postgres.sql("DROP ROLE IF EXISTS grafana", user="root", database="postgres")
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda _: _run(postgres, "same"), range(6)))

    assert [one.stderr for one in done if one.returncode] == []


def test_the_database_is_made_once_and_its_password_is_set_each_time(postgres: _Postgres) -> None:
    """Every task runs it at its start; a new password in the secret needs a restart and nothing more."""
    hashes = []
    for password in ("it's $one`", "it's $one`", "two"):
        done = _run(postgres, password)
        assert done.returncode == 0, done.stderr
        assert password not in done.stdout + done.stderr
        asked = "SELECT rolpassword FROM pg_authid WHERE rolname = 'grafana'"
        hashes.append(postgres.sql(asked, user="root", database="postgres"))

    owner = postgres.sql(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'grafana'", user="root", database="postgres"
    )
    assert owner == "grafana"
    assert all(found.startswith("SCRAM-SHA-256") for found in hashes)
    assert len(set(hashes)) == 3, "salted anew each time"
    assert postgres.sql("CREATE TABLE t (a int); SELECT 1", user="grafana", database="grafana") == "1"


def test_a_database_that_cannot_be_made_stops_the_task(postgres: _Postgres) -> None:
    """Grafana waits for SUCCESS; it must not start on a database that is half made."""
    postgres.sql("ALTER ROLE app NOCREATEDB NOCREATEROLE", user="root", database="postgres")
    postgres.sql("DROP DATABASE IF EXISTS grafana", user="root", database="postgres")

    assert _run(postgres, "x").returncode != 0
