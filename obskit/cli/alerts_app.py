"""The flags of ``obskit alerts …``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="alerts",
    help="Alert rules, objectives and Alertmanager's configuration as code: build, check, test, push.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FolderOption = Annotated[
    Path | None,
    typer.Option("--folder", help="Where *.alerts.py are; ./alerts, or those that obskit brings.", show_default=False),
]
FormatOption = Annotated[str, typer.Option("--format", help="text or json.")]


@app.command()
def build(
    out: Annotated[
        Path, typer.Option("--out", help="The folder to write prometheus/, loki/ and alertmanager.yml into.")
    ],
    folder: FolderOption = None,
    form: FormatOption = "text",
) -> None:
    """Write rule files for Prometheus and Loki, and Alertmanager's configuration. Same input, same bytes.

    Example: obskit alerts build --out build/alerts
    """
    from obskit.cli import alerts_command as command

    command.build(folder, out, form)


@app.command()
def check(
    folder: FolderOption = None,
    name: Annotated[list[str] | None, typer.Option("--check", help="Make only this check. May be given again.")] = None,
    prometheus: Annotated[
        str,
        typer.Option(
            "--prometheus", help="Also ask this Prometheus: is each metric and label there, what does it cost."
        ),
    ] = "",
    replay: Annotated[
        int, typer.Option("--replay", help="Also say when each rule would have fired over so many days.", min=0)
    ] = 0,
    explain: Annotated[str, typer.Option("--explain", help="Print what a check looks for and why, and stop.")] = "",
    show: Annotated[bool, typer.Option("--list", help="List the checks and stop.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
    runbooks: Annotated[
        Path | None, typer.Option("--runbooks", help="The folder that holds the runbooks' alerts/ and causes/.")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", help="text, json, or github (annotations of a pull request).")
    ] = "text",
) -> None:
    """Find what is wrong with rules before they wake anyone, or fail to. Exit code 1 when something is.

    \b
    Everything:      obskit alerts check
    Against data:    obskit alerts check --prometheus http://prometheus:9090 --replay 7
    Why a rule is:   obskit alerts check --explain alert-runbook
    What is wrong on purpose stands with its reason in alerts/checks.toml.
    """  # noqa: D301 (a \b of click, which keeps the lines as they are)
    from obskit.cli import alerts_command as command

    if show or explain:
        command.explain(explain)
        return
    ask = command.CheckAsk(
        folder=folder,
        checks=tuple(name or ()),
        prometheus=prometheus,
        days=replay,
        strict=strict,
        runbooks=runbooks,
    )
    command.check(ask, form)


@app.command("test")
def run_tests(
    folder: FolderOption = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="Name of an alert. May be given again.")] = None,
    keep: Annotated[Path | None, typer.Option("--keep", help="Leave promtool's own files in this folder.")] = None,
    form: FormatOption = "text",
) -> None:
    """Run the tests of alerts by promtool. Exit code 1 when one fails, or an alert has none.

    Example: obskit alerts test --only DatabasePoolExhausted --keep build/tests
    """
    from obskit.cli import alerts_command as command

    command.run_tests(folder, tuple(only or ()), keep, form)


@app.command()
def push(
    to: Annotated[
        str,
        typer.Option(
            "--to", help="dir:PATH (and reload), amp:WORKSPACE (Amazon Managed Prometheus), mimir:URL, or loki:URL."
        ),
    ],
    folder: FolderOption = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Also delete groups of ours that are defined no more.")
    ] = False,
    prune_limit: Annotated[
        int, typer.Option("--prune-limit", help="Refuse to prune when more than so many would be deleted.", min=0)
    ] = 5,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    form: FormatOption = "text",
) -> None:
    """Bring a server's rules to what the folder says: checked and tested first, only what differs.

    \b
    A folder that Prometheus reads, then its /-/reload: obskit alerts push --to dir:/etc/prometheus/rules
    Amazon Managed Prometheus:                          obskit alerts push --to amp:ws-…
    """  # noqa: D301 (a \b of click, which keeps the lines as they are)
    from obskit.cli import alerts_command as command

    command.push(to, folder, prune=prune, prune_limit=prune_limit, dry_run=dry_run, form=form)
