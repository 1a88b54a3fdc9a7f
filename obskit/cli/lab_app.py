"""The flags of ``obskit lab …``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="lab",
    help="A local stack to break: the demo application under an ECS-like supervisor, watched, under load.",
    epilog="All listens on loopback and lives in one throw-away folder; obskit lab down leaves nothing. "
    "Only dns_gone asks somebody else: the machine's resolver, for names that do not exist.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FolderOption = Annotated[
    Path | None,
    typer.Option("--folder", help="The lab's folder; one below the temporary folder by default.", show_default=False),
]
FormatOption = Annotated[str, typer.Option("--format", help="text or json.")]
FaultArgument = Annotated[str, typer.Argument(help="Its id, from `obskit lab faults`.", show_default=False)]
StrengthOption = Annotated[
    float | None, typer.Option("--strength", help="In the fault's own unit; the usual one by default.", min=0)
]


@app.command()
def up(
    minutes: Annotated[float, typer.Option("--minutes", help="End by itself after so many; 0 for never.")] = 0,
    tasks: Annotated[int, typer.Option("--tasks", help="Tasks of the demo application.", min=1)] = 3,
    payments: Annotated[int, typer.Option("--payments", help="Tasks of the payment service.", min=1)] = 1,
    rate: Annotated[float, typer.Option("--rate", help="Visits a second, on average over a day.")] = 12,
    scrape: Annotated[float, typer.Option("--scrape", help="Seconds between two scrapes.")] = 2,
    loki: Annotated[str, typer.Option("--loki", help="Also push log lines there: http://host:3100.")] = "",
    rules: Annotated[
        Path | None, typer.Option("--rules", help="Folder that `obskit alerts build` wrote, for Prometheus.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when it is ready, and let it run.")] = False,
    folder: FolderOption = None,
) -> None:
    """Start the lab; it ends with Ctrl-C, with `obskit lab down`, or after --minutes.

    \b
    Look at it:    obskit lab up --minutes 30
    In a script:   obskit lab up -d; obskit lab inject leak_connections; obskit lab down
    """  # noqa: D301 (a \b of click, which keeps the lines as they are)
    from obskit.cli import lab_command as command

    chosen = {
        "minutes": minutes,
        "tasks": tasks,
        "payments": payments,
        "rate": rate,
        "scrape": scrape,
        "loki": loki,
        "rules": str(rules.resolve()) if rules else "",
    }
    command.up(chosen, folder, detach=detach)


@app.command()
def down(folder: FolderOption = None) -> None:
    """End the lab and everything in it, and remove its folder."""
    from obskit.cli import lab_command as command

    command.down(folder)


@app.command()
def status(folder: FolderOption = None, form: FormatOption = "text") -> None:
    """Say what runs, in what health, what is broken, and where to look."""
    from obskit.cli import lab_command as command

    command.status(folder, form)


@app.command()
def faults(form: FormatOption = "text") -> None:
    """List what can be broken, how strongly, and what triage should then say."""
    from obskit.cli import lab_command as command

    command.faults(form)


@app.command()
def inject(
    fault: FaultArgument,
    strength: StrengthOption = None,
    stop: Annotated[bool, typer.Option("--stop", help="End the fault instead.")] = False,
    folder: FolderOption = None,
) -> None:
    """Break the lab that runs, until it is told to stop.

    Example: obskit lab inject leak_connections; obskit lab inject leak_connections --stop
    """
    from obskit.cli import lab_command as command

    command.inject(fault, strength, folder, stop=stop)


@app.command()
def record(
    fault: FaultArgument,
    out: Annotated[Path, typer.Option("--out", help="The bundle to write: NAME.obskit; its label comes beside it.")],
    strength: StrengthOption = None,
    calm: Annotated[float, typer.Option("--calm", help="Seconds of calm before the fault.", min=0)] = 60,
    minutes: Annotated[float, typer.Option("--minutes", help="How long the fault lasts.", min=0)] = 3,
    folder: FolderOption = None,
) -> None:
    """Record one incident with its truth, in the lab that runs or else in one of its own.

    Example: obskit lab record leak_connections --out incidents/pool_1.obskit
    """
    from obskit.cli import lab_command as command

    command.record(fault, out, folder, strength=strength, calm=calm, minutes=minutes)


@app.command()
def matrix(
    out: Annotated[Path, typer.Option("--out", help="Folder for recordings, labels and summary.json.")],
    only: Annotated[str, typer.Option("--only", help="Faults' ids, separated by commas; all by default.")] = "",
    strengths: Annotated[str, typer.Option("--strengths", help="all, weakest, usual or strongest.")] = "all",
    repeat: Annotated[int, typer.Option("--repeat", help="How often each is recorded.", min=1)] = 1,
    beside: Annotated[
        str, typer.Option("--beside", help="Innocents that happen at the same time: faults whose cause is none.")
    ] = "",
    calm: Annotated[float, typer.Option("--calm", help="Seconds of calm before each fault.", min=0)] = 60,
    minutes: Annotated[float, typer.Option("--minutes", help="How long each fault lasts.", min=0)] = 2,
    form: FormatOption = "text",
) -> None:
    """Record a corpus unattended, each incident in a fresh lab, and say what triage made of it.

    It goes on after a failure, and where it was when it is started again: what exists is not recorded again.
    Its name says the fault, the strength and the innocents, not --calm and --minutes: use another folder for others.
    Exit code 1: something could not be recorded.

    \b
    All of it, over night:  obskit lab matrix --out corpus --repeat 3
    One fault, quickly:     obskit lab matrix --out try --only disk_full --strengths usual --calm 30 --minutes 1
    With an innocent:       obskit lab matrix --out corpus/deployed --beside innocent_deployment
    """  # noqa: D301 (a \b of click, which keeps the lines as they are)
    from obskit.cli import lab_command as command

    ask = command.MatrixAsk(
        out=out,
        only=command.words(only),
        strengths=strengths,
        repeat=repeat,
        beside=command.words(beside),
        calm=calm,
        minutes=minutes,
    )
    command.matrix(ask, form)
