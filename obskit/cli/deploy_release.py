"""What ``obskit deploy release``, ``rollback`` and ``events`` do."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from obskit.cli.deploy_common import Account, account_for, read_spec, stack_name
from obskit.cli.git import head
from obskit.cli.output import clean_lines, known_form, print_json
from obskit.cli.times import duration
from obskit.errors import ObskitError, UsageError, one_line
from obskit.escape import clean
from obskit.model import Event, Hypothesis, Service, Telemetry, Window, stamp

if TYPE_CHECKING:
    from obskit.deploy.release import Release


_ENDED: Final = {
    "completed": "completed",
    "failed": "FAILED",
    "rolled_back": "FAILED and was rolled back by AWS",
    "overtaken": "was overtaken by another deployment",
    "unfinished": "has not ended in time",
}
_SHOWN: Final = 5
#: A cause less likely than this is none.
_LIKELY: Final = 0.01
_TARGET_GROUP: Final = re.compile(r"arn:\S+?:targetgroup/([^/\s)]+)/\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was typed, beside service and image."""

    file: Path | None
    name: str
    commit: str
    patience: float
    undo: bool
    archive: Path | None


def release(service: str, image: str, wish: Wish, form: str) -> None:
    """Bring an image to a service; exit 1 when it is not that which runs in the end."""
    from obskit.deploy.release import release as bring

    account, name, ask = _ready(wish, form)
    began = datetime.now(UTC)
    done = bring(account.aws, account.stack(name), service, image, ask)
    _annotate(f"{service}: release of {done.image}", done, began)
    _end(done, name, wish, form, began)


def rollback(service: str, to: int, wish: Wish, form: str) -> None:
    """Bring a service back; exit 1 when that failed."""
    from obskit.deploy.release import rollback as bring_back

    account, name, ask = _ready(wish, form)
    began = datetime.now(UTC)
    done = bring_back(account.aws, account.stack(name), service, ask, to=to)
    _annotate(f"{service}: back to {done.after}", done, began)
    _end(done, name, wish, form, began)


def events(service: str, since: str, file: Path | None, name: str, out: Path | None, form: str) -> None:
    """Print what ECS said lately, from the log group, the queue and the API."""
    from obskit.deploy.ecs_history import EcsHistory

    known_form(form, "text", "json")
    name, region = stack_name(file, name)
    account = account_for(region)
    stack = account.stack(name)
    found = EcsHistory(service=service, since=datetime.now(UTC) - duration(since))
    found.ask_log_group(account.aws, stack)
    found.ask_queue(account.aws, stack)
    found.ask_api(account.aws, stack)
    if not found.events:
        _require_there(account, name, service)
    if out is not None:
        print(f"{found.archive(out)} rows written to {clean(str(out))}", file=sys.stderr)
    for gap in found.gaps:
        print(f"not seen: {clean(gap)}", file=sys.stderr)
    if form == "json":
        body = {"schema_version": 1, "stack": name, "service": service}
        print_json({**body, "events": _documents(found.events), "gaps": found.gaps})
    elif lines := event_lines(found.events, with_service=not service):
        print("\n".join(lines))
    else:
        print(f"ECS said nothing in {since}" + (", as far as could be seen" if found.gaps else ""))


def _require_there(account: Account, name: str, service: str) -> None:
    """Tell apart that nothing was said of a service and that there is none; what may not be asked is a gap already.

    Raises:
        UsageError: There is no such stack or service.
    """
    from obskit.deploy.errors import AwsError
    from obskit.deploy.follow import asked_for, require_stack

    with suppress(AwsError):
        if service:
            asked_for(account.aws, account.stack(name), service)
        else:
            require_stack(account.aws, account.stack(name))


def _of_the_file(wish: Wish) -> frozenset[str]:
    """Return the services whose image the stack's file says; without the file only the watchers are known."""
    from obskit.deploy.spec_keys import WATCHERS

    spec = None if wish.name else read_spec(wish.file, warn=False)
    applications = spec.applications if spec else ()
    return frozenset({*WATCHERS, *(one.name for one in applications if one.image_owner == "spec")})


def _ready(wish: Wish, form: str) -> tuple[Account, str, Any]:
    from obskit.deploy.release import Ask

    known_form(form, "text", "json")
    name, region = stack_name(wish.file, wish.name)
    said: list[str] = []

    def tell(words: str) -> None:
        if said[-1:] != [words]:
            said.append(words)
            print(f"  {clean(words)}", file=sys.stderr, flush=True)

    commit = wish.commit or head(Path.cwd())
    ask = Ask(
        now=lambda: datetime.now(UTC),
        tell=tell,
        commit=commit,
        patience_seconds=wish.patience,
        undo=wish.undo,
        of_the_file=_of_the_file(wish),
    )
    return account_for(region), name, ask


def _end(done: Release, stack: str, wish: Wish, form: str, began: datetime) -> None:
    """Print how it ended, archive the evidence of a failure, and exit 1 for one."""
    reasons = () if done.good else _reasons(done, stack)
    kept = None if done.good else _archived(done, wish, began)
    if form == "json":
        print_json(_document(done, reasons, kept))
    else:
        print(clean_lines(_lines(done, reasons, kept)))
    if not done.good:
        raise typer.Exit(1)


def _lines(done: Release, reasons: Sequence[Hypothesis], kept: Path | None) -> list[str]:
    from obskit.incident.units import percent

    if done.followed is None:
        return [f"{done.service} runs {done.image} already ({done.before}): nothing to do"]
    ended = done.followed
    lines = [
        f"{done.service}: deployment of {done.after} ({done.image}) {_ENDED[ended.outcome]} after {ended.seconds:.0f} s"
    ]
    if done.good:
        return [*lines, f"  {ended.running} of {ended.desired} tasks run"]
    lines += [f"  ECS says   {ended.reason}"] if ended.reason else []
    if ended.failed_tasks:
        tasks = "task" if ended.failed_tasks == 1 else "tasks"
        lines.append(f"  failed     {ended.failed_tasks} {tasks} of it in a row, as ECS counts")
    lines += [f"  serving    {done.serving}" + (" (the revision before)" if done.serving == done.before else "")]
    if reasons:
        lines.append("  cause      " + ", ".join(f"{one.title} ({percent(one.probability)})" for one in reasons))
    stops = _telling(done)
    if stops:
        lines.append(f"  stopped    {len(stops)} tasks of it, the last of them:")
        lines += [f"    {line}" for line in event_lines(stops[-_SHOWN:], with_service=False)]
    lines += [f"  not seen   {gap}" for gap in done.history.gaps]
    if kept:
        lines += [
            f"  events     {kept}",
            f"  look again obskit triage {done.service} --events {shlex.quote(str(kept))} --at {_at(done)}",
        ]
    return lines


def _at(done: Release) -> str:
    """Return when it began to go wrong, for whoever looks at it tomorrow."""
    stops = _telling(done) or done.history.stops
    return stamp(stops[0].time if stops else done.history.since)


def _telling(done: Release) -> tuple[Event, ...]:
    """Return the stopped tasks of the deployment that nobody stopped on purpose."""
    from obskit.incident.stop_reasons import WANTED, classify

    own = done.followed.deployment if done.followed else ""
    return tuple(event for event in done.history.stops if event.deployment == own and classify(event) not in WANTED)


def _reasons(done: Release, stack: str) -> tuple[Hypothesis, ...]:
    """Return the likeliest causes by triage's own judgement of these events alone."""
    from obskit.incident.investigate import investigate

    told = done.history.events
    if not told:
        return ()
    # by AWS's clock alone: ours may be another
    window = Window(
        start=min(told[0].time, done.history.since) - timedelta(seconds=1),
        end=max(told[-1].time + timedelta(seconds=1), done.history.since + timedelta(minutes=1)),
        step=timedelta(seconds=15),
    )
    diagnosis = investigate(Telemetry(events=told), service=Service(name=done.service, cluster=stack), window=window)
    return tuple(one for one in diagnosis.hypotheses[:2] if one.probability >= _LIKELY)


def _archived(done: Release, wish: Wish, began: datetime) -> Path | None:
    """Write the evidence down; that it cannot be written must not hide why the release failed."""
    name = f"obskit-release-{done.service}-{began:%Y%m%dT%H%M%SZ}.jsonl"
    path = wish.archive or Path(name)
    try:
        if not done.history.archive(path):
            path.unlink()
            return None
    except UsageError as error:
        print(f"the events could not be kept: {clean(one_line(error))}", file=sys.stderr)
        return None
    return path


def _document(done: Release, reasons: Sequence[Hypothesis], kept: Path | None) -> dict[str, Any]:
    ended = done.followed
    return {
        "schema_version": 1,
        "service": done.service,
        "image": done.image,
        "outcome": ended.outcome if ended else "unchanged",
        "reason": ended.reason if ended else "",
        "before": done.before,
        "after": done.after,
        "serving": done.serving,
        "deployment": ended.deployment if ended else "",
        "seconds": round(ended.seconds, 1) if ended else 0.0,
        "failed_tasks": ended.failed_tasks if ended else 0,
        "causes": [{"id": one.cause, "title": one.title, "probability": round(one.probability, 4)} for one in reasons],
        "stops": _documents(_telling(done)),
        "gaps": done.history.gaps,
        "archive": str(kept) if kept else "",
    }


def _documents(found: Sequence[Event]) -> list[dict[str, Any]]:
    return [
        {
            "time": stamp(event.time),
            "kind": event.kind,
            "service": event.service,
            "task": event.task,
            "code": event.code,
            "message": event.message,
            "revision": event.revision,
            "deployment": event.deployment,
            "details": dict(event.details),
        }
        for event in found
    ]


def event_lines(found: Sequence[Event], *, with_service: bool) -> list[str]:
    """Return events a line each: time, whose, what, why; what is said again right after itself is only counted.

    Args:
        found: Ascending by time.
        with_service: Whether they are of several services.
    """
    said = [(event, _words(event, with_service=with_service)) for event in found]
    runs = [list(run) for _, run in groupby(said, key=lambda one: one[1])]
    return [
        clean(f"{stamp(run[0][0].time)} {run[0][1]}" + (f" ({len(run)} times)" if len(run) > 1 else "")) for run in runs
    ]


def _words(event: Event, *, with_service: bool) -> str:
    whose = [event.service] if with_service and event.service else []
    task = [f"task {event.task[:12]}"] if event.task else []
    number = event.revision.rpartition(":")[2]
    revision = [f"(:{number})"] if number else []
    code = event.detail("exit_code")
    why = [event.detail("container_reason"), f"exit code {code}" if code else ""]
    text = ", ".join(part for part in [event.message, *why] if part)
    what = " ".join([*whose, *task, *revision, event.kind.replace("_", " "), event.code]).rstrip()
    return _TARGET_GROUP.sub(r"\1", f"{what}: {text}" if text else what)


def _annotate(text: str, done: Release, began: datetime) -> None:
    """Tell Grafana, where one is configured; that it does not answer is no failure of the release."""
    from obskit.settings import load_settings

    settings = load_settings()
    if not settings.grafana.url or done.followed is None:
        return
    from obskit.ascode.assemble import DEPLOYMENT_TAG
    from obskit.ascode.grafana import Grafana

    words = f"{text} {_ENDED[done.followed.outcome]}"
    milliseconds = int(began.timestamp() * 1000), int(datetime.now(UTC).timestamp() * 1000)
    try:
        Grafana(settings.grafana, deadline_seconds=20).annotate(
            time_ms=milliseconds[0], time_end_ms=milliseconds[1], text=words, tags=[DEPLOYMENT_TAG, done.service]
        )
    except ObskitError as error:
        print(f"Grafana was not told: {clean(error.what)}", file=sys.stderr)
