"""`obskit doctor`: what is configured, what of it can be reached, and what a service speaks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol

from obskit.asking import names_in, unknown_service
from obskit.cli.doctor_text import as_json_text, as_text, printable
from obskit.errors import ObskitError, SettingsError, SourceError
from obskit.model import Service, Window
from obskit.redact import redact
from obskit.settings import AwsSettings, Connection, Settings, masked

#: A doctor who takes longer is no help at night.
DEADLINE_SECONDS = 5.0
_MAX_ANSWER_BYTES = 1024 * 1024

State = Literal["reachable", "unreachable", "not configured"]

#: What the engine cannot see without a source, and how it is set.
WITHOUT: Mapping[str, str] = {
    "prometheus": "no metrics: most causes cannot be judged; set OBSKIT_PROMETHEUS_URL",
    "loki": "no log lines: error signatures are not seen; set OBSKIT_LOKI_URL",
    "grafana": "triage does without it; set OBSKIT_GRAFANA_URL to have it examined here",
    "aws": "no task stops and deployments; set OBSKIT_ECS_CLUSTER, or give triage --events FILE",
}
#: What triage does not ask: to have it alone is to have nothing.
_NOT_ASKED = ("grafana",)
_HOW_TO_CONFIGURE = "set OBSKIT_PROMETHEUS_URL and OBSKIT_LOKI_URL, or try: obskit triage --demo"


class Probe(Protocol):
    """Something that can be asked whether it is there."""

    @property
    def name(self) -> str:
        """What it is called: ``prometheus``, ``loki``, ``grafana``, ``aws``."""
        ...

    @property
    def target(self) -> str:
        """Its address, without secrets; "" when it is not configured."""
        ...

    def check(self, deadline: float) -> tuple[bool, str]:
        """Return whether it can be used, and a few words: its version, or what it said.

        Args:
            deadline: ``time.monotonic()`` by which it should return.

        Raises:
            ObskitError: It cannot be reached; the words are the error's.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What one probe found."""

    name: str
    target: str
    state: State
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorReport:
    """What is configured, reachable, and spoken.

    Attributes:
        sources: One entry a probe, in the probes' order.
        configured: ``section.key`` -> ``value``, ``from``; secrets masked.
        service: Whose variants were looked for, or "".
        spoken: Signal id -> the variant that the service speaks; "" where nothing tells of the signal.
        problems: What a person has to mend: nothing is configured, nobody knows the service.
        exit_code: 3 when a configured source cannot be reached, 2 when there is a problem, else 0.
    """

    sources: tuple[Health, ...]
    configured: Mapping[str, Mapping[str, str]]
    service: str = ""
    spoken: Mapping[str, str] = field(default_factory=dict)
    problems: Sequence[ObskitError] = ()

    @property
    def exit_code(self) -> int:
        """0 fine, 2 wrong settings or no such service, 3 the outside world failed."""
        if any(s.state == "unreachable" for s in self.sources):
            return SourceError.exit_code
        return max((problem.exit_code for problem in self.problems), default=0)


def doctor(settings: Settings, *, service: str = "", deadline: float, probes: Sequence[Probe]) -> DoctorReport:
    """Ask all probes at once.

    Args:
        settings: What is configured; unset sources need no probe that works.
        service: Whose variants the last word shall be about; "" for nobody's.
        deadline: ``time.monotonic()`` beyond which nobody is waited for.
        probes: Whom to ask.
    """
    from obskit.sources.together import at_once

    spoken: dict[str, str] = {}
    names: list[str] = []
    tasks = {number: _asking(probe, deadline) for number, probe in enumerate(probes) if probe.target}
    if service and settings.prometheus.url:
        tasks[len(probes)] = lambda: _listen(settings, service, deadline, spoken, names)
    brought = at_once(list(tasks.values()), deadline, name="obskit-doctor")
    known = {number: answer for number, answer in zip(tasks, brought, strict=True) if answer is not None}
    variants = dict(spoken)
    health = tuple(_health(probe, known.get(number)) for number, probe in enumerate(probes))
    if len(probes) in tasks:
        words = _health_words(known.get(len(probes)))
        variants = variants or {"": redact(words[1])}
    problems: list[ObskitError] = []
    if all(source.state == "not configured" for source in health if source.name not in _NOT_ASKED):
        problems.append(SettingsError("no source is configured that triage could ask", hint=_HOW_TO_CONFIGURE))
    if names and not spoken:
        problems.append(unknown_service(service, list(names)))
    return DoctorReport(
        sources=health, configured=masked(settings), service=service, spoken=variants, problems=tuple(problems)
    )


def _asking(probe: Probe, deadline: float) -> Callable[[], tuple[bool, str]]:
    return lambda: probe.check(deadline)


def _health(probe: Probe, answer: tuple[bool, str] | BaseException | None) -> Health:
    if not probe.target:
        return Health(name=probe.name, target="", state="not configured", words=WITHOUT.get(probe.name, ""))
    ok, words = _health_words(answer)
    return Health(name=probe.name, target=probe.target, state="reachable" if ok else "unreachable", words=redact(words))


def _health_words(answer: tuple[bool, str] | BaseException | None) -> tuple[bool, str]:
    if answer is None:
        return False, "no answer in time"
    if isinstance(answer, ObskitError):
        said = answer.where.get("said", "")
        hint = "" if "obskit doctor" in answer.hint else answer.hint  # that is where the reader is
        return False, "; ".join(part for part in (answer.what, said, hint) if part)
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _listen(
    settings: Settings, service: str, deadline: float, spoken: dict[str, str], names: list[str]
) -> tuple[bool, str]:
    """Find the variants that a service speaks, over the last minutes; of an unknown one, who there is instead."""
    from obskit.sources import Ask
    from obskit.sources.prometheus import PrometheusSource

    now = datetime.now(UTC)
    window = Window(start=now - timedelta(minutes=10), end=now)
    asked = Service(name=service, cluster=settings.service(service).cluster or settings.aws.cluster)
    # a little earlier than the rest: a source returns at its deadline, not before it
    source, ask = PrometheusSource(settings.prometheus), Ask(service=asked, window=window, deadline=deadline - 0.5)
    found = source.spoken(ask)
    if any(found.values()):
        spoken.update(sorted(found.items()))
    else:
        names += names_in(source.asked(ask, ()))
    return bool(spoken), "" if spoken else f"Prometheus knows no signal of {service!r}"


# --------------------------------------------------------------------------------- probes


@dataclass(frozen=True, slots=True)
class HttpProbe:
    """Asks an HTTP server whether it is ready, and then who it is.

    Attributes:
        name: What it is called.
        connection: How it is reached.
        ready: The path that answers 200 when it can be used.
        about: The path whose JSON tells the version, or "".
        tell: Makes words of that JSON.
        also: A further path that must answer 200: what the engine will really ask.
    """

    name: str
    connection: Connection
    ready: str
    about: str
    tell: Callable[[Any], str]
    also: str = ""

    @property
    def target(self) -> str:
        """The base address."""
        return self.connection.url

    def check(self, deadline: float) -> tuple[bool, str]:
        """Return whether it is ready, and its version."""
        from obskit.sources.http import session_for

        session = session_for(self.connection, pool=2)
        status, body = self._get(session, self.ready, deadline)
        if status in (404, 405) and self.also:
            status, body = self._get(session, self.also, deadline)  # behind a gateway that hides /ready
        if status != 200:
            return False, _refusal(status, body)
        if self.also:
            status, body = self._get(session, self.also, deadline)
            if status != 200:
                return False, _refusal(status, body)
        status, body = self._get(session, self.about, deadline)
        return True, self._words(body) if status == 200 else "ready"

    def _get(self, session: Any, path: str, deadline: float) -> tuple[int, bytes]:
        from obskit.sources.http import fetch

        return fetch(
            session,
            f"{self.connection.url}{path}",
            name=self.name,
            deadline=deadline,
            timeout=self.connection.timeout_seconds,
            max_bytes=_MAX_ANSWER_BYTES,
        )

    def _words(self, body: bytes) -> str:
        try:
            return printable(self.tell(json.loads(body))) or "ready"
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return "ready, though it does not say its version"


@dataclass(frozen=True, slots=True)
class EcsProbe:
    """Asks AWS about the cluster, with the default credential chain."""

    aws: AwsSettings
    name: str = "aws"

    @property
    def target(self) -> str:
        """The cluster, or what else of AWS is configured."""
        return self.aws.cluster or ("this account" if self.aws.wanted else "")

    def check(self, deadline: float) -> tuple[bool, str]:
        """Return whether the cluster is there and may be read; without a cluster, who we are."""
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        left = max(0.5, deadline - time.monotonic())
        config = Config(connect_timeout=left, read_timeout=left, retries={"max_attempts": 0})
        options: dict[str, Any] = {"endpoint_url": self.aws.endpoint_url or None, "config": config}
        try:
            session = boto3.Session(profile_name=self.aws.profile or None, region_name=self.aws.region or None)
            if not self.aws.cluster:
                session.client("sts", **options).get_caller_identity()
                return True, "credentials are valid; no cluster is set (OBSKIT_ECS_CLUSTER)"
            answer = session.client("ecs", **options).describe_clusters(clusters=[self.aws.cluster])
        except (BotoCoreError, ClientError, ValueError) as error:
            from obskit.redact import redact

            return False, redact(printable(str(error)))
        found = answer.get("clusters") or [{}]
        status = str(found[0].get("status", ""))
        if status != "ACTIVE":
            return False, printable(f"there is no active cluster {self.aws.cluster}{f' ({status})' if status else ''}")
        return (
            True,
            f"{found[0].get('runningTasksCount', 0)} tasks run in {found[0].get('activeServicesCount', 0)} services",
        )


def probes_for(settings: Settings) -> tuple[Probe, ...]:
    """Return a probe for each source that obskit knows, configured or not."""
    return (
        HttpProbe(
            "prometheus",
            settings.prometheus,
            "/-/ready",
            "/api/v1/status/buildinfo",
            lambda said: f"version {said['data']['version']}",
            also="/api/v1/query?query=1",
        ),
        HttpProbe(
            "loki",
            settings.loki,
            "/ready",
            "/loki/api/v1/status/buildinfo",
            lambda said: f"version {said['version']}",
            also="/loki/api/v1/labels",
        ),
        HttpProbe(
            "grafana",
            settings.grafana,
            "/api/health",
            "/api/health",
            lambda said: f"version {said['version']}",
            also="/api/search?limit=1",
        ),
        EcsProbe(settings.aws),
    )


def _refusal(status: int, body: bytes) -> str:
    meaning = {401: "who we are is not known", 403: "we are not allowed", 404: "nothing is there", 503: "not ready"}
    from obskit.sources.http import server_words

    said = server_words(body, 200)
    return f"answered {status}{f' ({meaning[status]})' if status in meaning else ''}{f': {said}' if said else ''}"


# -------------------------------------------------------------------------------- rendering


def run(settings: Settings, service: str, form: str) -> tuple[str, int]:
    """Examine what is configured and return the report's text and the exit code.

    Args:
        settings: What is configured.
        service: Also say which variant of each signal it speaks; "" for none.
        form: ``text`` for tables, or ``json``.
    """
    deadline = time.monotonic() + DEADLINE_SECONDS
    report = doctor(settings, service=service, deadline=deadline, probes=probes_for(settings))
    return (as_json_text(report) if form == "json" else as_text(report)), report.exit_code
