"""Grafana: provisioned from files, behind the load balancer, its own data in PostgreSQL where there is one.

With ``database`` its users, preferences and sessions lie in a database of their own on the stack's instance,
and any number of tasks may run. Without, they lie in SQLite on the task's storage and end with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from obskit.ascode.provisioning import DASHBOARD_FOLDER
from obskit.deploy.containers import _exporter, _files, _grafana_database, _images, _targets
from obskit.deploy.containers._rules import dashboards
from obskit.deploy.resource import Join, Ref
from obskit.deploy.services import Condition, Container, FargateService, Mount, Public, Text
from obskit.files import folder_of

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import StackSpec

NAME: Final = "grafana"
#: The user of the image, with its group.
USER: Final = "472:0"
_PRIORITY: Final = 10


def services(spec: StackSpec, place: Place) -> tuple[FargateService, ...]:
    """Return the service; empty where the stack has none."""
    del place
    if not _targets.has(spec, NAME):
        return ()
    size = spec.watcher(NAME)
    port = _targets.WATCHER_PORTS[NAME]
    after: tuple[tuple[str, Condition], ...] = (
        *_files.AFTER,
        *(((_grafana_database.NAME, "SUCCESS"),) if spec.database else ()),
    )
    program = Container(
        name=NAME,
        image=_images.reference(NAME, size.image),
        environment=tuple(sorted(_environment(spec).items())),
        secrets=_secrets(spec),
        ports=(port,),
        user=USER,
        mounts=(_files.CONFIG, Mount(volume="data", path="/var/lib/grafana"), _files.TMP),
        after=after,
        open_files=65535,
    )
    database = (_grafana_database.container(spec.database),) if spec.database else ()
    return (
        FargateService(
            name=NAME,
            size=size,
            containers=(program, _exporter.container(), _files.container(NAME, USER, ("data",)), *database),
            port=port,
            public=Public(host=spec.grafana_host, health_path="/api/health", priority=_PRIORITY),
            metrics=_targets.metrics(port),
            permissions=_files.permissions(NAME),
            configuration=configuration(),
            grace_seconds=120,
            database=spec.database is not None,
        ),
    )


def configuration() -> dict[str, str]:
    """Return data sources and dashboards, with the folder of dashboards where the task has it."""
    below = f"{_files.CONFIG_PATH}/dashboards"
    files = dashboards(folder_of("dashboards").resolve())
    return {path: text.replace(DASHBOARD_FOLDER, below) for path, text in files.items()}


def _environment(spec: StackSpec) -> dict[str, Text]:
    found: dict[str, Text] = {
        "OBSKIT_PROMETHEUS_URL": f"http://prometheus.{spec.namespace}:{_targets.WATCHER_PORTS['prometheus']}",
        "OBSKIT_LOKI_URL": f"http://loki.{spec.namespace}:{_targets.WATCHER_PORTS['loki']}",
        "GF_PATHS_PROVISIONING": f"{_files.CONFIG_PATH}/provisioning",
        "GF_SERVER_ROOT_URL": f"https://{spec.grafana_host}/",
        "GF_SERVER_HTTP_PORT": str(_targets.WATCHER_PORTS[NAME]),
        "GF_LOG_MODE": "console",
        "GF_SECURITY_ADMIN_USER": "admin",
        "GF_SECURITY_COOKIE_SECURE": "true",
        "GF_SECURITY_COOKIE_SAMESITE": "lax",
        "GF_SECURITY_STRICT_TRANSPORT_SECURITY": "true",
        "GF_SECURITY_DISABLE_GRAVATAR": "true",
        "GF_AUTH_ANONYMOUS_ENABLED": "false",
        "GF_USERS_ALLOW_SIGN_UP": "false",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
        "GF_NEWS_NEWS_FEED_ENABLED": "false",
        "GF_SNAPSHOTS_EXTERNAL_ENABLED": "false",
        # Nothing is fetched from the internet when it starts.
        "GF_PLUGINS_PREINSTALL_DISABLED": "true",
    }
    if spec.database is not None:
        found |= {
            "GF_DATABASE_TYPE": "postgres",
            "GF_DATABASE_HOST": Join((Ref("database.main", "endpoint"), ":", Ref("database.main", "port"))),
            "GF_DATABASE_NAME": _grafana_database.DATABASE,
            "GF_DATABASE_USER": _grafana_database.ROLE,
            "GF_DATABASE_SSL_MODE": "require",
        }
    return found


def _secrets(spec: StackSpec) -> tuple[tuple[str, Text], ...]:
    admin = Join((Ref("secret.grafana", "arn"), ":password::"))
    key = Join((Ref("secret.grafana-key", "arn"), ":password::"))
    found: dict[str, Text] = {"GF_SECURITY_ADMIN_PASSWORD": admin, "GF_SECURITY_SECRET_KEY": key}
    if spec.database is not None:
        found["GF_DATABASE_PASSWORD"] = Join((Ref("secret.grafana-database", "arn"), ":password::"))
    return tuple(sorted(found.items()))
