"""The flags of ``obskit dashboards …``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="dashboards",
    help="Dashboards as code: build, check, diff, push, pull, preview, provision.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--folder", help="Where *.dashboard.py are; ./dashboards, or those that obskit brings.", show_default=False
    ),
]
OnlyOption = Annotated[
    list[str] | None, typer.Option("--only", help="Name of a dashboard. May be given again; all by default.")
]
FormatOption = Annotated[str, typer.Option("--format", help="text or json.")]
PruneOption = Annotated[bool, typer.Option("--prune", help="Also delete what bears our mark and has left the folder.")]
PruneLimitOption = Annotated[
    int, typer.Option("--prune-limit", help="Refuse to prune when more than so many would be deleted.", min=0)
]
EditsOption = Annotated[
    bool, typer.Option("--overwrite-edits", help="Also overwrite what somebody edited in Grafana, or is not ours.")
]


@app.command()
def build(
    out: Annotated[Path, typer.Option("--out", help="The folder to write NAME.json into.")],
    folder: FolderOption = None,
    only: OnlyOption = None,
    form: FormatOption = "text",
) -> None:
    """Write each dashboard as the JSON that Grafana stores. Same input, same bytes.

    Example: obskit dashboards build --out build/dashboards
    """
    from obskit.cli import dashboards_command as command

    command.build(folder, tuple(only or ()), out, form)


@app.command()
def check(
    folder: FolderOption = None,
    only: OnlyOption = None,
    name: Annotated[list[str] | None, typer.Option("--check", help="Make only this check. May be given again.")] = None,
    prometheus: Annotated[
        str,
        typer.Option(
            "--prometheus",
            help="Also ask this Prometheus: is each metric and label there, does each query return data.",
        ),
    ] = "",
    explain: Annotated[str, typer.Option("--explain", help="Print what a check looks for and why, and stop.")] = "",
    show: Annotated[bool, typer.Option("--list", help="List the checks and stop.")] = False,
    require: Annotated[
        list[str] | None, typer.Option("--require", help="Fail when this check cannot be made. May be given again.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
    runbooks: Annotated[Path | None, typer.Option("--runbooks", help="The folder of runbooks.")] = None,
    alerts: Annotated[Path | None, typer.Option("--alerts", help="The folder of alert rules.")] = None,
    form: Annotated[
        str, typer.Option("--format", help="text, json, or github (annotations of a pull request).")
    ] = "text",
) -> None:
    """Find what is wrong with dashboards before Grafana does. Exit code 1 when something is.

    \b
    Everything:      obskit dashboards check
    Against data:    obskit dashboards check --prometheus http://prometheus:9090
    Why a rule is:   obskit dashboards check --explain target-rate-interval
    What is wrong on purpose stands with its reason in dashboards/checks.toml.
    """  # noqa: D301 (a \b of click, which keeps the lines as they are)
    from obskit.cli import dashboards_command as command

    if show or explain:
        command.explain(explain)
        return
    command.check(
        command.CheckAsk(
            folder=folder,
            only=tuple(only or ()),
            checks=tuple(name or ()),
            prometheus=prometheus,
            strict=strict,
            require=tuple(require or ()),
            runbooks=runbooks,
            alerts=alerts,
        ),
        form,
    )


@app.command()
def diff(
    folder: FolderOption = None,
    only: OnlyOption = None,
    prune: PruneOption = False,
    prune_limit: PruneLimitOption = 5,
    edits: EditsOption = False,
    form: Annotated[str, typer.Option("--format", help="text, json or md.")] = "text",
) -> None:
    """Show what a push would change in Grafana, and what somebody edited there.

    \b
    Exit code 1 when there is a difference, 0 when there is none.
    Needs OBSKIT_GRAFANA_URL, and OBSKIT_GRAFANA_BEARER_TOKEN of a service account that may read.
    """  # noqa: D301 (a \b of click, which keeps the lines as they are)
    from obskit.cli import dashboards_grafana as command

    command.diff(command.PushAsk(folder, tuple(only or ()), prune, prune_limit, edits), form)


@app.command()
def push(
    folder: FolderOption = None,
    only: OnlyOption = None,
    prune: PruneOption = False,
    prune_limit: PruneLimitOption = 5,
    edits: EditsOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    commit: Annotated[
        str, typer.Option("--commit", help="What the version's message records; git's HEAD by default.")
    ] = "",
    form: FormatOption = "text",
) -> None:
    """Bring Grafana to what the folder says: checked first, folder by folder, only what differs.

    \b
    Refuses what somebody edited in Grafana; obskit dashboards pull brings such an edit back.
    Interrupted, it is run again: it goes on where it stopped.
    Exit code 1 when a check fails or something was refused, 3 when Grafana failed; with --dry-run
    1 also when something would be done.
    Needs OBSKIT_GRAFANA_URL, and OBSKIT_GRAFANA_BEARER_TOKEN of a service account that may write.
    """  # noqa: D301 (a \b of click, which keeps the lines as they are)
    from obskit.cli import dashboards_grafana as command

    ask = command.PushAsk(folder, tuple(only or ()), prune, prune_limit, edits)
    command.push(ask, dry_run=dry_run, commit=commit, form=form)


@app.command()
def pull(
    uid: Annotated[str, typer.Argument(help="The dashboard's uid: what follows /d/ in its address.")],
    out: Annotated[Path | None, typer.Option("--out", help="Write the JSON there instead of to stdout.")] = None,
) -> None:
    """Bring a dashboard back from Grafana as JSON, and say which signals its queries match.

    Example: obskit dashboards pull obskit-incident --out incident.json
    """
    from obskit.cli import dashboards_grafana as command

    command.pull(uid, out)


@app.command()
def preview(
    name: Annotated[str, typer.Argument(help="Name of the dashboard: the file's, without .dashboard.py.")],
    folder: FolderOption = None,
    prometheus: Annotated[str, typer.Option("--prometheus", help="Instead of OBSKIT_PROMETHEUS_URL.")] = "",
    bundle: Annotated[Path | None, typer.Option("--bundle", help="A recording, instead of live sources.")] = None,
    var: Annotated[
        list[str] | None, typer.Option("--var", help="A variable: service=demo-app. May be given again.")
    ] = None,
    since: Annotated[str, typer.Option("--since", help="How far back: 30m, 2h; 1h by default.")] = "",
    out: Annotated[Path, typer.Option("--out", help="A page (.html), or a picture (.png, by Chromium).")] = Path(
        "preview.html"
    ),
) -> None:
    """Draw a dashboard with real data, to be looked at before Grafana has it.

    \b
    Live:      obskit dashboards preview incident --var service=demo-app
    Recorded:  obskit dashboards preview incident --bundle incident.obskit --out incident.png
    """  # noqa: D301 (a \b of click, which keeps the lines as they are)
    from obskit.cli import dashboards_command as command

    command.preview(command.PreviewAsk(name, folder, prometheus, bundle, tuple(var or ()), since, out))


@app.command()
def signals(
    word: Annotated[str, typer.Argument(help="Part of an id, a title or a meaning; all by default.")] = "",
    form: FormatOption = "text",
) -> None:
    """List the signals that a panel can draw, and what tells them.

    Example: obskit dashboards signals pool
    """
    from obskit.cli import dashboards_command as command

    command.signals(word, form)


@app.command()
def provision(
    out: Annotated[Path, typer.Option("--out", help="The folder to write into.")],
    folder: FolderOption = None,
    alerting: Annotated[
        bool,
        typer.Option(
            "--alerting",
            help="Also a contact point (a webhook: OBSKIT_RECEIVER_URL in Grafana's environment) and a notification "
            "policy, which replaces the one that is there.",
        ),
    ] = False,
) -> None:
    """Write what a Grafana needs at its start: data sources, dashboard provider, dashboards.

    Example: obskit dashboards provision --out build/grafana
    """
    from obskit.cli import dashboards_command as command

    command.provision(folder, out, alerting=alerting)
