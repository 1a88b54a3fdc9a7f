"""obskit.toml and OBSKIT_* variables, read once into one frozen `Settings`.

The only module that reads ``os.environ``. A variable wins over the file; the file is
``obskit.toml`` in the current folder, or the one that ``OBSKIT_CONFIG`` names. A variable that
is set to nothing is not set.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from obskit.errors import SettingsError
from obskit.settings_values import (
    Given,
    check_auth,
    checked,
    displayed,
    names_of,
    nearest,
    no_secret,
    receiver_of,
    text_of,
    toml_of,
    unknown,
)

FILE_NAME = "obskit.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How to reach one HTTP source.

    Attributes:
        url: ``http://`` or ``https://`` base address, without a trailing slash; "" when unset.
        username, password: Basic auth.
        bearer_token: The token itself (from the environment) or read from ``bearer_token_file``
            at each request, so that a rotated one is picked up.
        ca_file, cert_file, key_file: TLS: whom to trust, and whom to be.
        tenant: Sent as ``X-Scope-OrgID``.
        sigv4_region: Sign requests for this AWS region (Amazon Managed Prometheus).
        headers: Further headers.
        timeout_seconds: The longest that one request may take.
        compress: Ask for gzip; worth it on slow links only.
    """

    url: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    bearer_token: str = field(default="", repr=False)
    bearer_token_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    tenant: str = ""
    sigv4_region: str = ""
    sigv4_service: str = "aps"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    timeout_seconds: float = 10.0
    compress: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSettings:
    """Where ECS is asked; credentials come from AWS's own default chain.

    Attributes:
        region, profile: "" leaves them to the chain.
        endpoint_url: Instead of AWS's own addresses; for local stand-ins.
        cluster: The ECS cluster.
        queue_url: An SQS queue that an EventBridge rule fills with ECS events.
        log_group: A CloudWatch log group that such a rule fills.
        database: Identifier of the RDS instance, for its numbers in CloudWatch.
    """

    region: str = ""
    profile: str = ""
    endpoint_url: str = ""
    cluster: str = ""
    queue_url: str = ""
    log_group: str = ""
    database: str = ""

    @property
    def wanted(self) -> bool:
        """Whether anything about AWS was configured."""
        return self != AwsSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """What is known of one service beyond what its telemetry says.

    Attributes:
        name: The ECS service.
        cluster: Its cluster, where it is not the common one.
        depends_on: Services that it calls.
        target_group: Its ALB target group.
    """

    name: str
    cluster: str = ""
    depends_on: tuple[str, ...] = ()
    target_group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelNames:
    """How this environment names its labels, where no server can be asked: dashboards and rules.

    Attributes:
        service, task, cluster: Of series that a task exposes.
        status, peer, route: Of HTTP metrics whose instrumentation leaves the name open.
        log_service: Of log streams in Loki.
    """

    service: str = "service"
    task: str = "task_id"
    cluster: str = "cluster"
    status: str = "status"
    peer: str = "peer"
    route: str = "path"
    log_service: str = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardSettings:
    """How dashboards are written and where they go.

    Attributes:
        folder: Title of the Grafana folder.
        mark: The tag that says "this is ours": what bears it may be changed and pruned.
        runbook_url: Where the runbooks can be read, without a trailing slash; "" leaves links out.
        instrumentation: Names of the variants that the services speak (`obskit doctor --service`
            lists them), so that panels ask for nothing else; empty: all.
    """

    folder: str = "obskit"
    mark: str = "obskit"
    runbook_url: str = ""
    instrumentation: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Somebody whom Alertmanager tells.

    Attributes:
        name: That routes refer to.
        kind: How.
        file: On Alertmanager's machine: PagerDuty's integration key, Slack's webhook address, or the
            bearer token of a webhook; the last may be "". Never the secret itself.
        url: Of a webhook; must hold no secret.
        channel: Of Slack.
    """

    name: str
    kind: Literal["webhook", "pagerduty", "slack"] = "webhook"
    file: str = ""
    url: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertmanagerSettings:
    """Who is told of what by the configuration that is written for Alertmanager.

    Attributes:
        url: Where obskit, or whatever else stands there for it, is told of every alert; "" for nowhere. Must hold no
            secret, as Slack's addresses do: those are receivers' files.
        receivers: Everybody else.
        page, ticket: Names of those who are told of pages and of tickets; "" for nobody else.
        watchdog: Name of the one that raises the alarm when the alert that always fires stays away.
        services: ``(service, receiver)`` of services whose pages and tickets go to somebody of their own.
    """

    url: str = ""
    receivers: tuple[Receiver, ...] = ()
    page: str = ""
    ticket: str = ""
    watchdog: str = ""
    services: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be configured.

    Attributes:
        prometheus, loki, grafana: How to reach them.
        aws: Where ECS is asked.
        labels: How series and streams are labelled.
        dashboards: How dashboards are written and where they go.
        alertmanager: Who is told of what.
        deadline_seconds: After which sources are no longer waited for.
        max_log_lines: The most lines that one investigation takes.
        services: What is known of single services.
        origins: ``(section.key, where it was set)`` of all that is no default.
        file: The file that was read, as ``OBSKIT_CONFIG`` or `FILE_NAME` names it; "" for none.
    """

    prometheus: Connection = field(default_factory=Connection)
    loki: Connection = field(default_factory=Connection)
    grafana: Connection = field(default_factory=Connection)
    aws: AwsSettings = field(default_factory=AwsSettings)
    labels: LabelNames = field(default_factory=LabelNames)
    dashboards: DashboardSettings = field(default_factory=DashboardSettings)
    alertmanager: AlertmanagerSettings = field(default_factory=AlertmanagerSettings)
    deadline_seconds: float = 20.0
    max_log_lines: int = 60_000
    services: tuple[ServiceSettings, ...] = ()
    origins: tuple[tuple[str, str], ...] = ()
    file: str = ""

    def service(self, name: str) -> ServiceSettings:
        """Return what is configured for a service; nothing but its name when nothing is."""
        return next((s for s in self.services if s.name == name), ServiceSettings(name=name))


_SOURCES = ("prometheus", "loki", "grafana")

_KEYS = {
    **{source: tuple(f.name for f in fields(Connection)) for source in _SOURCES},
    "aws": tuple(f.name for f in fields(AwsSettings)),
    "labels": tuple(f.name for f in fields(LabelNames)),
    "dashboards": tuple(f.name for f in fields(DashboardSettings)),
    "alertmanager": ("url", "page", "ticket", "watchdog"),
    "": ("deadline_seconds", "max_log_lines"),
}
#: Sections of ``[alertmanager]``.
_WHO = ("receivers", "services")
_RECEIVER_KEYS = tuple(f.name for f in fields(Receiver) if f.name != "name")
_SERVICE_KEYS = tuple(f.name for f in fields(ServiceSettings) if f.name != "name")

#: Variable -> ``section.key``.
VARIABLES: Mapping[str, str] = {
    **{
        f"OBSKIT_{source.upper()}_{key.upper()}": f"{source}.{key}"
        for source in _SOURCES
        for key in _KEYS[source]
        if key not in ("headers", "compress", "sigv4_service")
    },
    "OBSKIT_ECS_CLUSTER": "aws.cluster",
    "OBSKIT_AWS_REGION": "aws.region",
    "OBSKIT_AWS_PROFILE": "aws.profile",
    "OBSKIT_AWS_ENDPOINT_URL": "aws.endpoint_url",
    "OBSKIT_EVENTS_QUEUE_URL": "aws.queue_url",
    "OBSKIT_EVENTS_LOG_GROUP": "aws.log_group",
    "OBSKIT_RDS_INSTANCE": "aws.database",
    "OBSKIT_DASHBOARDS_FOLDER": "dashboards.folder",
    "OBSKIT_DASHBOARDS_MARK": "dashboards.mark",
    "OBSKIT_RUNBOOK_URL": "dashboards.runbook_url",
    "OBSKIT_DEADLINE_SECONDS": "deadline_seconds",
    "OBSKIT_MAX_LOG_LINES": "max_log_lines",
}
_CONFIG = "OBSKIT_CONFIG"
#: Where tests find real servers; obskit itself does not read them.
_FOR_TESTS = "OBSKIT_TEST_"


def load_settings(env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Settings:
    """Read the settings file and the environment.

    Args:
        env: The environment; that of the process by default.
        cwd: Where ``obskit.toml`` is looked for, and what relative paths start from.

    Raises:
        SettingsError: Something unknown, of the wrong kind, contradictory, or a secret in the
            file. The error says which, and never a secret.
    """
    env = os.environ if env is None else env
    cwd = Path.cwd() if cwd is None else cwd
    mine = {name: value.strip() for name, value in env.items() if name.startswith("OBSKIT_") and value.strip()}
    file = mine.pop(_CONFIG, "") or (FILE_NAME if (cwd / FILE_NAME).is_file() else "")
    found, services, who = _from_file(file, cwd)
    for name, value in mine.items():
        if name.startswith(_FOR_TESTS):
            continue
        if name not in VARIABLES:
            raise SettingsError(f"there is no variable {name}", hint=nearest(name, [*VARIABLES, _CONFIG]))
        found[VARIABLES[name]] = Given(VARIABLES[name], value, name, cwd)
    values = {name: checked(given) for name, given in found.items()}
    for source in _SOURCES:
        check_auth(source, {key for key in _KEYS[source] if values.get(f"{source}.{key}")})
    return Settings(
        prometheus=Connection(**_section("prometheus", values)),
        loki=Connection(**_section("loki", values)),
        grafana=Connection(**_section("grafana", values)),
        aws=AwsSettings(**_section("aws", values)),
        labels=LabelNames(**_section("labels", values)),
        dashboards=DashboardSettings(**_section("dashboards", values)),
        alertmanager=AlertmanagerSettings(**_section("alertmanager", values), **who),
        services=services,
        origins=tuple(sorted((name, given.origin) for name, given in found.items())),
        file=file,
        **{name: value for name, value in values.items() if "." not in name},
    )


def _section(section: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(f"{section}."): v for name, v in values.items() if name.startswith(f"{section}.")}


def _from_file(named: str, cwd: Path) -> tuple[dict[str, Given], tuple[ServiceSettings, ...], dict[str, Any]]:
    """Return single settings, what is said of services, and who is told of what by Alertmanager."""
    found: dict[str, Given] = {}
    services: tuple[ServiceSettings, ...] = ()
    who: dict[str, Any] = {}
    if not named:
        return found, services, who
    path = cwd / Path(named).expanduser()
    for name, value in toml_of(path).items():
        if name == "services":
            services = _services(value, path)
        elif name in _KEYS[""]:
            found[name] = Given(name, value, str(path), path.parent)
        elif name not in _KEYS:
            raise unknown(name, [*_KEYS[""], *filter(None, _KEYS), "services"], path)
        elif not isinstance(value, dict):
            raise SettingsError(f"{name} is a section", where={"in": str(path)}, hint=f"write [{name}]")
        else:
            for key, inner in value.items():
                if name == "alertmanager" and key in _WHO:
                    who[key] = _receivers(inner, path) if key == "receivers" else _routed(inner, path)
                elif key not in _KEYS[name]:
                    known = (*_KEYS[name], *_WHO) if name == "alertmanager" else _KEYS[name]
                    raise unknown(key, known, path, section=name)
                else:
                    found[f"{name}.{key}"] = no_secret(Given(f"{name}.{key}", inner, str(path), path.parent))
    return found, services, who


def _receivers(sections: object, path: Path) -> tuple[Receiver, ...]:
    if not isinstance(sections, dict) or not all(isinstance(s, dict) for s in sections.values()):
        hint = "write [alertmanager.receivers.NAME]"
        raise SettingsError("alertmanager.receivers are sections", where={"in": str(path)}, hint=hint)
    return tuple(
        Receiver(name=name, **receiver_of(name, keys, _RECEIVER_KEYS, path)) for name, keys in sections.items()
    )


def _routed(receivers: object, path: Path) -> tuple[tuple[str, str], ...]:
    """Return ``(service, receiver)`` in the file's order."""
    if not isinstance(receivers, dict):
        hint = 'write [alertmanager.services], and in it SERVICE = "RECEIVER"'
        raise SettingsError("alertmanager.services is a section", where={"in": str(path)}, hint=hint)
    return tuple(
        (service, text_of(Given(f"alertmanager.services.{service}", receiver, str(path), path.parent), empty=False))
        for service, receiver in receivers.items()
    )


def _services(sections: object, path: Path) -> tuple[ServiceSettings, ...]:
    if not isinstance(sections, dict) or not all(isinstance(s, dict) for s in sections.values()):
        raise SettingsError("services are sections", where={"in": str(path)}, hint="write [services.NAME]")
    found = []
    for name, keys in sections.items():
        values: dict[str, Any] = {}
        for key, value in keys.items():
            if key not in _SERVICE_KEYS:
                raise unknown(key, _SERVICE_KEYS, path, section=f"services.{name}")
            given = Given(f"services.{name}.{key}", value, str(path), path.parent)
            values[key] = names_of(given) if key == "depends_on" else text_of(given)
        found.append(ServiceSettings(name=name, **values))
    return tuple(found)


def masked(settings: Settings) -> dict[str, dict[str, str]]:
    """Return every setting for display.

    Returns:
        ``section.key`` -> ``value`` (secrets as ``********``, "" when unset) and ``from``:
        ``default``, a variable's name, or the settings file.
    """
    origins = dict(settings.origins)
    shown: dict[str, dict[str, str]] = {}
    for section in (*_SOURCES, "aws", "labels", "dashboards", "alertmanager"):
        part = getattr(settings, section)
        for key in _KEYS[section]:
            shown[f"{section}.{key}"] = {"value": displayed(key, getattr(part, key))}
    for key in _KEYS[""]:
        shown[key] = {"value": displayed(key, getattr(settings, key))}
    for service in settings.services:
        for key in _SERVICE_KEYS:
            if value := getattr(service, key):
                shown[f"services.{service.name}.{key}"] = {"value": displayed(key, value), "from": FILE_NAME}
    for receiver in settings.alertmanager.receivers:
        for key in _RECEIVER_KEYS:
            if value := getattr(receiver, key):
                shown[f"alertmanager.receivers.{receiver.name}.{key}"] = {"value": value, "from": FILE_NAME}
    for name, value in settings.alertmanager.services:
        shown[f"alertmanager.services.{name}"] = {"value": value, "from": FILE_NAME}
    return {name: {**row, "from": row.get("from") or origins.get(name, "default")} for name, row in shown.items()}
