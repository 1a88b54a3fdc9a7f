"""The commands and their flags."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from obskit.cli.alerts_app import app as alerts
from obskit.cli.dashboards_app import app as dashboards
from obskit.cli.deploy_app import app as deploy
from obskit.cli.lab_app import app as lab
from obskit.cli.output import or_stdout
from obskit.cli.sweep import sweep
from obskit.errors import ObskitError, UsageError

app = typer.Typer(
    name="obskit",
    help="From an alert to its root cause, for services on ECS Fargate watched with Prometheus and Loki.",
    epilog="Begin with: obskit triage --demo. Then set OBSKIT_PROMETHEUS_URL and OBSKIT_LOKI_URL: obskit doctor",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

#: typer may bring a click of its own: the root of its complaints is found through what typer exports.
_WRONG_USAGE: type[Exception] = typer.BadParameter.__mro__[1]

ServiceArgument = Annotated[
    str, typer.Argument(help="The ECS service, as its label in Prometheus and Loki says.", show_default=False)
]
SinceOption = Annotated[str, typer.Option("--since", help="How far back from now: 30m, 2h, 90s.", show_default="30m")]
FromOption = Annotated[
    str, typer.Option("--from", help="Begin: 2026-01-31T03:00Z, 03:00 (UTC, the last one), or epoch seconds.")
]
ToOption = Annotated[str, typer.Option("--to", help="End, written as --from; now by default.")]
AtOption = Annotated[
    str, typer.Option("--at", help="A moment of the incident: half an hour before it to ten minutes after it.")
]
ClusterOption = Annotated[str, typer.Option("--cluster", help="The ECS cluster, where the service runs in several.")]
EventsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--events", help="Exported EventBridge or service events (JSON array or one object a line). May be given again."
    ),
]
BundlesArgument = Annotated[
    list[Path], typer.Argument(help="Recordings with a label beside them, or folders of such.", show_default=False)
]
RecordingArgument = Annotated[
    Path | None, typer.Argument(metavar="BUNDLE", help="A recording made by `obskit record`.", show_default=False)
]
DeadlineOption = Annotated[
    float | None,
    typer.Option("--deadline", help="Seconds after which sources are no longer waited for.", show_default="20"),
]


def _instead(endings: str, *, how: str = ": as --format says, else as its name does") -> Any:
    words = f"Write it there instead of printing it{how} ({endings}; - prints it)."
    return typer.Option("--out", help=words, callback=or_stdout)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        from importlib.metadata import version as installed

        print(f"obskit {installed('obskit')}")
        raise typer.Exit


@app.command()
def triage(
    service: ServiceArgument = "",
    since: SinceOption = "",
    begin: FromOption = "",
    end: ToOption = "",
    at: AtOption = "",
    cluster: ClusterOption = "",
    alert: Annotated[
        str,
        typer.Option("--alert", help="An Alertmanager webhook body: a file, or - for stdin. Names service and time."),
    ] = "",
    events: EventsOption = None,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="A recording made by `obskit record`, instead of live sources.")
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Use the recorded incident that ships with obskit.")] = False,
    form: Annotated[str, typer.Option("--format", help="text, json, md or html.", show_default="text")] = "",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Write the report there (.html, .json, .md, .txt; any other ending with --format); stdout still gets "
            "--format if that is another. - is stdout.",
            callback=or_stdout,
        ),
    ] = None,
    deadline: DeadlineOption = None,
) -> None:
    """Rank the root causes of what a service suffers, with the evidence for and against each.

    \b
    Live:           obskit triage demo-app --since 30m
    Recorded:       obskit triage --bundle incident.obskit --format html --out incident.html
    From an alert:  curl ... | obskit triage --alert -
    """  # noqa: D301 (a \b of click, which keeps the lines as they are)
    from obskit.cli import triage_command as command

    question = command.Question(
        service=service,
        since=since,
        begin=begin,
        end=end,
        at=at,
        cluster=cluster,
        alert=alert,
        events=tuple(events or ()),
        bundle=bundle,
        demo=demo,
        deadline=deadline,
    )
    command.triage(question, form=form, out=out)


@app.command()
def record(
    service: ServiceArgument,
    file: Annotated[Path, typer.Argument(help="The bundle to write, for example incident.obskit.")],
    since: SinceOption = "",
    begin: FromOption = "",
    end: ToOption = "",
    at: AtOption = "",
    cluster: ClusterOption = "",
    events: EventsOption = None,
    deadline: DeadlineOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a FILE that exists; else it is refused.")] = False,
) -> None:
    """Keep everything that triage would look at as one redacted file, to be triaged again later.

    Example: obskit record demo-app incident.obskit --since 1h
    """
    from obskit.cli import triage_command as command

    question = command.Question(
        service=service,
        since=since,
        begin=begin,
        end=end,
        at=at,
        cluster=cluster,
        events=tuple(events or ()),
        deadline=deadline,
    )
    command.record(question, file, replacing=replace)


@app.command()
def postmortem(
    bundle: RecordingArgument = None,
    demo: Annotated[bool, typer.Option("--demo", help="Use the recorded incident that ships with obskit.")] = False,
    objective: Annotated[
        str, typer.Option("--objective", help="Percent of good requests over 30 days: what the budget is of.")
    ] = "99.9",
    out: Annotated[Path | None, _instead(".md, .txt", how="")] = None,
) -> None:
    """Write the draft of a postmortem, as Markdown.

    What was measured stands there, and blanks for what only people know.

    \b
    At night:  obskit record shop incident.obskit --since 1h
    Next day:  obskit postmortem incident.obskit --out postmortem.md
    Try it:    obskit postmortem --demo

    It holds summary, impact (requests that failed, latency, tasks, error budget), timeline, cause with the evidence
    for and against, what else was considered, what was seen when, gaps, blank tables for actions and lessons (but for
    a calm window), and the queries.
    Nothing is made up: what was not measured is said. The same recording gives the same bytes.
    """  # noqa: D301 (a \b of click, which keeps the lines as they are)
    from obskit.cli import postmortem_command as command

    command.postmortem(bundle, demo=demo, objective=objective, out=out)


@app.command()
def notebook(
    bundle: RecordingArgument = None,
    demo: Annotated[bool, typer.Option("--demo", help="Use the recorded incident that ships with obskit.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="The notebook to write; beside BUNDLE by default.", show_default=False)
    ] = None,
) -> None:
    """Write a Jupyter notebook for one incident.

    It opens the recording and shows diagnosis, evidence, timeline, plots, log templates, what would be said without a
    pillar, and the draft of the postmortem, with room for notes.

    \b
    Write it:  obskit notebook incident.obskit
    Run it:    jupyter lab incident.ipynb        (the extra obskit[notebooks])
    Try it:    obskit notebook --demo --out demo.ipynb

    Writing needs no Jupyter. A notebook that is there already is not replaced: it may hold notes.
    """  # noqa: D301 (a \b of click, which keeps the lines as they are)
    from obskit.cli import notebook_command as command

    command.notebook(bundle, demo=demo, out=out)


app.add_typer(dashboards)
app.add_typer(alerts)
app.add_typer(deploy)
app.add_typer(lab)
app.command()(sweep)


@app.command()
def check(
    only: Annotated[
        list[str] | None, typer.Option("--only", help="This system alone, for example node. May be given again.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="text, json or html.", show_default="text")] = "",
    out: Annotated[Path | None, _instead(".html, .json, .txt")] = None,
    prometheus: Annotated[str, typer.Option("--prometheus", help="Ask this Prometheus: http://host:9090.")] = "",
    deadline: DeadlineOption = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="List every signal, and what has no answer.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 also when something was not seen.")] = False,
) -> None:
    """Make the morning round: every system of the stack, green or not, with the number that says why.

    Exit code 0 when all that was seen is well, 1 when something is not, 3 when nobody answers (2 when nobody is
    configured who could be asked).
    """
    from obskit.cli import check_command as command

    ask = command.CheckAsk(
        only=tuple(only or ()), prometheus=prometheus, deadline=deadline, verbose=verbose, strict=strict
    )
    command.check(ask, form=form, out=out)


@app.command()
def doctor(
    service: Annotated[
        str, typer.Option("--service", help="Also say which variant of each signal this service speaks.")
    ] = "",
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", hidden=True, help="The same as --format json.")] = False,
) -> None:
    """Show what is configured (secrets masked) and what answers. Exit code 2 without a source, 3 when one is down."""
    from obskit.cli.doctor_command import run as examine
    from obskit.cli.output import known_form
    from obskit.settings import load_settings

    known_form(form, "text", "json")
    text, code = examine(load_settings(), service, "json" if as_json else form)
    print(text)
    raise typer.Exit(code)


@app.command()
def evaluate(
    bundles: BundlesArgument,
    against: Annotated[
        Path | None, typer.Option("--against", help="An earlier evaluation (JSON): tell what got better and worse.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 when anything got worse, or is not compared.")
    ] = False,
    calibration: Annotated[
        Path | None, typer.Option("--calibration", help="Try this file of `obskit calibrate`.", show_default=False)
    ] = None,
    cross_validate: Annotated[
        bool,
        typer.Option(
            "--cross-validate",
            help="Judge each family by probabilities that were fitted to all others; rules and order stay as they are.",
        ),
    ] = False,
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without", help="Take metrics, logs or events away first, as when a source is down. May be given again."
        ),
    ] = None,
    no_times: Annotated[
        bool, typer.Option("--no-times", help="Leave times out: the same corpus then gives the same bytes.")
    ] = False,
    form: Annotated[str, typer.Option("--format", help="text or json.", show_default="text")] = "",
    out: Annotated[Path | None, _instead(".json, .txt")] = None,
) -> None:
    """Score the engine on incidents whose truth is known: recordings of a lab, or your own past incidents.

    \b
    Label one:  obskit record shop pool.obskit --from 03:00 --to 03:40
                and write beside it, to pool.truth.json (or truth.json in a folder of its own):
                {"cause": "db_pool_exhausted", "onset": "2026-01-31T03:12:00Z", "culprit": "shop"}
    Score it:   obskit evaluate incidents/
    Compare:    obskit evaluate incidents/ --against last-month.json --strict

    In a label, cause is a cause's id, "none" (nothing happened) or "other" (none of obskit's causes is it).
    All else may be left out: acceptable (other right first answers), service, culprit, task, onset,
    decoys (innocents that were there; with cause "none" the window is a decoy), family (repetitions of one fault).

    Exit code 1 when a recording cannot be read, or with --strict when something got worse, is gone, or has
    another label. A recording's name is its path below the folder that is given.
    """  # noqa: D301 (a \b of click, which keeps the lines as they are)
    from obskit.cli import evaluate_command as command

    ask = command.EvaluateAsk(
        bundles=tuple(bundles),
        against=against,
        calibration=calibration,
        strict=strict,
        times=not no_times,
        cross_validate=cross_validate,
        lost=tuple(without or ()),
    )
    command.evaluate(ask, form=form, out=out)


@app.command()
def calibrate(
    bundles: BundlesArgument,
    out: Annotated[Path, typer.Option("--out", help="The file to write, for example calibration.json.")],
    force: Annotated[
        bool, typer.Option("--force", help="Write it even when the weights as they are do better.")
    ] = False,
    degraded: Annotated[
        bool,
        typer.Option("--degraded", help="Learn also from each recording without its metrics, logs and events in turn."),
    ] = False,
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Learn from labelled incidents how sure the engine may be; the order of causes stays as it is.

    Two numbers are fitted, and judged on families of incidents that the fit never saw. Needs at least
    20 incidents of 5 families, some of which the engine gets wrong. Labels: see obskit evaluate --help.

    Exit code 1 when nothing was written because it is worse, or when a recording cannot be read.
    """
    from obskit.cli import evaluate_command as command

    command.calibrate(tuple(bundles), out=out, force=force, form=form, degraded=degraded)


def run(argv: list[str]) -> int:
    """Run the command line and return its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # an old terminal's encoding is no reason to fail
    try:
        result = app(argv or ["--help"], standalone_mode=False, prog_name="obskit")
        sys.stdout.flush()
    except ObskitError as error:
        return _complain(error)
    except _WRONG_USAGE as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # a group without its command: the help was asked for
            print(error)
            return 0
        return _complain(_in_our_words(error))
    except typer.Exit as done:
        return int(done.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        result = 130
    except (BrokenPipeError, SystemExit):  # SystemExit is how typer ends on a closed pipe
        return _unheard()
    if result == 130:  # typer's answer to Ctrl-C, as a shell's
        print("obskit: stopped", file=sys.stderr)
    return result if isinstance(result, int) else 0


def _complain(error: ObskitError) -> int:
    """Print the error, with nothing in it that steers a terminal: it may quote labels and answers."""
    from obskit.escape import clean

    safe = ObskitError(
        clean(error.what), where={key: clean(value) for key, value in error.where.items()}, hint=clean(error.hint)
    )
    print(f"obskit: {safe}", file=sys.stderr)
    return error.exit_code


def _in_our_words(error: Any) -> UsageError:
    """Return typer's complaint as one of ours."""
    command = error.ctx.command_path if getattr(error, "ctx", None) else "obskit"
    return UsageError(error.format_message().rstrip("."), hint=f"{command} --help")


def _unheard() -> int:
    """Whoever read stdout has gone, as `head` does: nothing is left to say, and nothing is wrong."""
    with contextlib.suppress(OSError, ValueError):  # what is still buffered must not fail at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
