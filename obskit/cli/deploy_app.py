"""The flags of ``obskit deploy …``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="deploy",
    help="The ECS Fargate stack, by boto3: from an empty account to services that are watched, and back.",
    epilog="AWS itself is the state: every resource bears the stack's tags, and is read back before each plan.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FileOption = Annotated[
    Path | None,
    typer.Option("--stack", help="The file that says what is wanted; ./stack.toml by default.", show_default=False),
]
NameOption = Annotated[
    str, typer.Option("--name", help="Name of a stack, where its file is not at hand.", show_default=False)
]
FormatOption = Annotated[str, typer.Option("--format", help="text or json.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask before doing it.")]
DeleteDataOption = Annotated[
    bool, typer.Option("--delete-data", help="Also delete what holds data: database, buckets, images, passwords.")
]
ServiceArgument = Annotated[str, typer.Argument(help="The service, as the stack's file calls it.")]
PatienceOption = Annotated[
    float, typer.Option("--patience", help="Seconds after which a deployment is no longer waited for.", min=1)
]
ArchiveOption = Annotated[
    Path | None,
    typer.Option(
        "--archive",
        help="Where ECS's events go when it fails: a file for `obskit triage --events`.",
        show_default=False,
    ),
]


@app.command()
def init(
    file: FileOption = None,
    name: Annotated[str, typer.Option("--name", help="Name of the stack.")] = "shop",
    region: Annotated[str, typer.Option("--region", help="Where it shall stand.")] = "eu-west-1",
    domain: Annotated[
        str, typer.Option("--domain", help="Its host name, in a public hosted zone of the account.")
    ] = "shop.example.com",
) -> None:
    """Write the shortest stack file, if there is none.

    Example: obskit deploy init --name shop --region eu-west-1 --domain shop.example.com
    """
    from obskit.cli import deploy_command as command

    command.init(file, name=name, region=region, domain=domain)


@app.command()
def plan(
    file: FileOption = None,
    delete_data: DeleteDataOption = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 1 when something differs.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 when a security finding is neither met nor waived.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Also list fields of what is created, and all findings.")
    ] = False,
    empty_account: Annotated[
        bool,
        typer.Option(
            "--empty-account", help="Ask nobody: plan as for an account that has nothing of the stack. No credentials."
        ),
    ] = False,
    form: FormatOption = "text",
) -> None:
    """Say what differs, what it costs, what is not safe.

    Compares the file with AWS, and asks what apply would stumble over. Changes nothing.

    \b
    No account yet: obskit deploy plan --empty-account
    A first stack:  obskit deploy plan --stack stack.toml
    Drift, in CI:   obskit deploy plan --exit-code --format json
    """  # noqa: D301 (a \b of click, which keeps the lines as they are)
    from obskit.cli import deploy_command as command

    ask = command.PlanAsk(
        delete_data=delete_data, empty_account=empty_account, exit_code=exit_code, strict=strict, verbose=verbose
    )
    command.plan(file, form, ask)


@app.command()
def apply(
    file: FileOption = None,
    yes: YesOption = False,
    delete_data: DeleteDataOption = False,
    lose_data: Annotated[
        list[str] | None,
        typer.Option("--lose-data", help="Address of something whose replacement may lose data. May be given again."),
    ] = None,
    form: FormatOption = "text",
) -> None:
    """Bring AWS to what the file says.

    Asks first. What was interrupted goes on from where it stopped. There is no lock: one apply at a time.

    Example: obskit deploy apply --stack stack.toml
    """
    from obskit.cli import deploy_command as command

    command.apply(file, form, yes=yes, delete_data=delete_data, lose_data=frozenset(lose_data or ()))


@app.command()
def destroy(
    file: FileOption = None,
    name: NameOption = "",
    confirm: Annotated[
        str, typer.Option("--confirm", help="The stack's name, instead of being asked for it.", show_default=False)
    ] = "",
    delete_data: DeleteDataOption = False,
    unprotect: Annotated[
        bool, typer.Option("--unprotect", help="First switch off the deletion protection of what is to be deleted.")
    ] = False,
    form: FormatOption = "text",
) -> None:
    """Delete the stack, but for what holds data.

    Then every service is asked anew, which proves that nothing is left. A protected database or load balancer stops
    it before anything is deleted; --unprotect switches that off first. A deleted database leaves a final snapshot.

    Example: obskit deploy destroy --name shop --delete-data --unprotect
    """
    from obskit.cli import deploy_command as command

    command.destroy(file, name, form, confirm=confirm, delete_data=delete_data, unprotect=unprotect)


@app.command()
def status(file: FileOption = None, name: NameOption = "", form: FormatOption = "text") -> None:
    """Say how the stack is.

    Services, tasks, deployments, targets, certificate, database, queues. Exit 1 when something is not well.

    Example: obskit deploy status --name shop
    """
    from obskit.cli import deploy_look as command

    command.status(file, name, form)


@app.command()
def verify(
    file: FileOption = None,
    form: FormatOption = "text",
) -> None:
    """Find out before a deployment what would fail in it.

    Images, secrets, roles, ports, log groups, hosted zones. Changes nothing.

    Example: obskit deploy verify
    """
    from obskit.cli import deploy_look as command

    command.verify(file, form)


@app.command()
def release(
    service: ServiceArgument,
    image: Annotated[str, typer.Option("--image", help="A tag, or repository:tag, or repository@sha256:digest.")],
    file: FileOption = None,
    name: NameOption = "",
    commit: Annotated[str, typer.Option("--commit", help="For the revision's tag; git's HEAD by default.")] = "",
    patience: PatienceOption = 1800,
    undo: Annotated[
        bool, typer.Option("--undo/--no-undo", help="Go back when the deployment failed and AWS does not.")
    ] = True,
    archive: ArchiveOption = None,
    form: FormatOption = "text",
) -> None:
    """Bring a new image to a service and follow it.

    Exit 1 when that deployment failed, also when AWS rolled it back.

    Example: obskit deploy release demo-app --image 1.4.2
    """
    from obskit.cli import deploy_release as command

    ask = command.Wish(file=file, name=name, commit=commit, patience=patience, undo=undo, archive=archive)
    command.release(service, image, ask, form)


@app.command()
def rollback(
    service: ServiceArgument,
    to: Annotated[int, typer.Option("--to", help="Number of the revision; the last good one by default.", min=0)] = 0,
    file: FileOption = None,
    name: NameOption = "",
    patience: PatienceOption = 1800,
    archive: ArchiveOption = None,
    form: FormatOption = "text",
) -> None:
    """Bring a service back to an earlier revision.

    By default to the last one whose release was good; the deployment is followed.

    Example: obskit deploy rollback demo-app
    """
    from obskit.cli import deploy_release as command

    ask = command.Wish(file=file, name=name, commit="", patience=patience, undo=False, archive=archive)
    command.rollback(service, to, ask, form)


@app.command()
def events(
    service: Annotated[str, typer.Argument(help="The service; all of the stack's by default.")] = "",
    since: Annotated[str, typer.Option("--since", help="How far back from now: 30m, 2h.")] = "1h",
    file: FileOption = None,
    name: NameOption = "",
    archive: Annotated[
        Path | None, typer.Option("--out", help="Also write them there, for `obskit triage --events`.")
    ] = None,
    form: FormatOption = "text",
) -> None:
    """Print what ECS said lately.

    Stopped tasks with their reasons, deployments, service events. Changes nothing.

    Example: obskit deploy events demo-app --since 2h
    """
    from obskit.cli import deploy_release as command

    command.events(service, since, file, name, archive, form)


@app.command()
def keys(form: FormatOption = "text") -> None:
    """Print every key of the stack's file.

    Each with its default and what it means.
    """
    from obskit.cli import deploy_look as command

    command.keys(form)
