"""What ``obskit deploy release``, ``rollback`` and ``events`` do."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from obskit.cli.deploy_common import Account, account_for, head, stack_name
from obskit.cli.output import clean_lines, known_form, print_json
from obskit.cli.times import duration
from obskit.errors import ObskitError, UsageError
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
    from obskit.deploy.evidence import Evidence

    known_form(form, "text", "json")
    name, region = stack_name(file, name)
    account = account_for(region)
    stack = account.stack(name)
    found = Evidence(service=service, since=datetime.now(UTC) - duration(since))
    found.ask_log_group(account.aws, stack)
    found.ask_queue(account.aws, stack)
    found.ask_api(account.aws, stack)
    if out is not None:
        print(f"{found.archive(out)} rows written to {clean(str(out))}", file=sys.stderr)
    for gap in found.gaps:
        print(f"not seen: {clean(gap)}", file=sys.stderr)
    if form == "json":
        print_json({"stack": name, "service": service, "events": _documents(found.events), "gaps": found.gaps})
    elif lines := event_lines(found.events, with_service=not service):
        print("\n".join(lines))
    else:
        print(f"ECS said nothing in {since}" + (", as far as could be seen" if found.gaps else ""))


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
    ask = Ask(now=lambda: datetime.now(UTC), tell=tell, commit=commit, patience_seconds=wish.patience, undo=wish.undo)
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
    if done.followed is None:
        what = f"{done.image} already ({done.before})" if done.image else f"{done.before} already"
        return [f"{done.service} runs {what}: nothing to do"]
    ended = done.followed
    what = f" ({done.image})" if done.image else ""
    lines = [f"{done.service}: deployment of {done.after}{what} {_ENDED[ended.outcome]} after {ended.seconds:.0f} s"]
    if done.good:
        return [*lines, f"  {ended.running} of {ended.desired} tasks run"]
    lines += [f"  ECS says   {ended.reason}"] if ended.reason else []
    lines += [f"  serving    {done.serving}" + (" (the revision before)" if done.serving == done.before else "")]
    if reasons:
        lines.append("  cause      " + ", ".join(f"{one.title} ({one.probability:.0%})" for one in reasons))
    stops = _telling(done)
    if stops:
        lines.append(f"  stopped    {len(stops)} tasks of it, the last of them:")
        lines += [f"    {line}" for line in event_lines(stops[-_SHOWN:], with_service=False)]
    lines += [f"  not seen   {gap}" for gap in done.evidence.gaps]
    if kept:
        lines += [
            f"  events     {kept}",
            f"  look again obskit triage {done.service} --events {shlex.quote(str(kept))}",
        ]
    return lines


def _telling(done: Release) -> tuple[Event, ...]:
    """Return the stopped tasks of the deployment that nobody stopped on purpose."""
    from obskit.incident.stop_reasons import WANTED, classify

    own = done.followed.deployment if done.followed else ""
    return tuple(event for event in done.evidence.stops if event.deployment == own and classify(event) not in WANTED)


def _reasons(done: Release, stack: str) -> tuple[Hypothesis, ...]:
    """Return the likeliest causes by triage's own judgement of these events alone."""
    from obskit.incident.investigate import investigate

    told = done.evidence.events
    if not told:
        return ()
    # by AWS's clock alone: ours may be another
    window = Window(
        start=min(told[0].time, done.evidence.since) - timedelta(seconds=1),
        end=max(told[-1].time + timedelta(seconds=1), done.evidence.since + timedelta(minutes=1)),
        step=timedelta(seconds=15),
    )
    diagnosis = investigate(Telemetry(events=told), service=Service(name=done.service, cluster=stack), window=window)
    return diagnosis.hypotheses[:2]


def _archived(done: Release, wish: Wish, began: datetime) -> Path | None:
    """Write the evidence down; that it cannot be written must not hide why the release failed."""
    name = f"obskit-release-{done.service}-{began:%Y%m%dT%H%M%SZ}.jsonl"
    path = wish.archive or Path(name)
    try:
        if not done.evidence.archive(path):
            path.unlink()
            return None
    except UsageError as error:
        print(f"the events could not be kept: {clean(str(error))}", file=sys.stderr)
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
        "causes": [{"id": one.cause, "title": one.title, "probability": round(one.probability, 4)} for one in reasons],
        "stops": _documents(done.evidence.stops),
        "gaps": done.evidence.gaps,
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
    """Return events a line each: time, whose, what, why.

    Args:
        found: Ascending by time.
        with_service: Whether they are of several services.
    """
    lines = []
    for event in found:
        whose = [event.service] if with_service and event.service else []
        task = [f"task {event.task[:12]}"] if event.task else []
        code = event.detail("exit_code")
        why = [event.detail("container_reason"), f"exit code {code}" if code else ""]
        said = ", ".join(part for part in [event.message, *why] if part)
        what = " ".join([*whose, *task, event.kind.replace("_", " "), event.code]).rstrip()
        lines.append(clean(f"{stamp(event.time)} {what}: {said}" if said else f"{stamp(event.time)} {what}"))
    return lines


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
