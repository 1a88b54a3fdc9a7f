"""What all of ``obskit deploy …`` begins with: the file, AWS, and which account that is."""

from __future__ import annotations

import difflib
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from obskit.cli.git import head
from obskit.errors import UsageError
from obskit.escape import clean

if TYPE_CHECKING:
    from obskit.deploy.aws import Aws
    from obskit.deploy.resource import Place, Stack
    from obskit.deploy.spec import StackSpec

FILE_NAME: Final = "stack.toml"


@dataclass(frozen=True, slots=True)
class Account:
    """AWS as whoever runs this sees it.

    Attributes:
        aws: To call it.
        place: Account, region, partition, zones.
    """

    aws: Aws
    place: Place

    def stack(self, name: str) -> Stack:
        """Return the identity of a stack here."""
        from obskit.deploy.resource import Stack

        return Stack(name=name, place=self.place)


def read_spec(file: Path | None, place: Place | None = None, *, warn: bool = False) -> StackSpec:
    """Read the stack's file, check it, and print what it warns of.

    Args:
        file: Where it is; ``stack.toml`` by default.
        place: Where the stack shall stand, when that is known: then zones, region and certificate are
            checked as well.
        warn: Print warnings: where something is to be decided.

    Raises:
        UsageError: There is no file.
        SettingsError: Something in it cannot be; every fault is named.
    """
    from obskit.deploy.spec_check import require
    from obskit.deploy.spec_file import read
    from obskit.deploy.spec_lines import lines_of

    path = file or Path(FILE_NAME)
    if path.is_dir():
        raise UsageError(f"{path} is a folder", hint=f"name the file in it: --stack {path / FILE_NAME}")
    if not path.is_file():
        raise UsageError(
            f"there is no file {path}", hint="name it: --stack FILE; or have one begun: obskit deploy init"
        )
    spec = read(path, commit=head(path.resolve().parent))
    warnings = require(spec, place, origin=str(path), lines=lines_of(path.read_text(encoding="utf-8")))
    if warn:
        for warning in warnings:
            print(f"warning: {clean(str(warning))}", file=sys.stderr)
    return spec


def spec_and_account(file: Path | None) -> tuple[StackSpec, Account]:
    """Read and check the stack's file offline, then find out where it shall stand, and check what depends on that.

    Warnings come last, so that they stand beside no error.

    Raises:
        UsageError, SettingsError: As `read_spec`.
        DeployError: As `account_for`.
    """
    account = account_for(read_spec(file).region)
    return read_spec(file, account.place, warn=True), account


def stack_name(file: Path | None, name: str) -> tuple[str, str]:
    """Return a stack's name and region ("" for what AWS's own chain says), from its file or as given.

    Raises:
        UsageError: Neither is there.
    """
    if name and file:
        raise UsageError("--name and --stack are two ways to say the same", hint="drop one of them")
    if name:
        from obskit.settings import load_settings

        return name, load_settings().aws.region
    spec = read_spec(file)
    return spec.name, spec.region


def account_for(region: str) -> Account:
    """Find out who and where we are, by boto3's own chain and ``[aws]`` of the settings.

    Args:
        region: Of the stack; "" for what the settings or the chain say.

    Raises:
        UsageError: There is no profile or no region of that name.
        DeployError: There are no credentials, or AWS cannot be reached.
    """
    import boto3
    from botocore.exceptions import BotoCoreError

    from obskit.deploy.aws import Aws
    from obskit.deploy.observe import where
    from obskit.settings import load_settings

    settings = load_settings().aws
    try:
        session = boto3.Session(profile_name=settings.profile or None, region_name=region or settings.region or None)
    except BotoCoreError as error:
        raise UsageError(f"AWS cannot be asked: {error}", hint="set AWS_PROFILE, or profile in [aws]") from error
    if not session.region_name:
        raise UsageError("no AWS region is known", hint="set region in the stack's file, or AWS_DEFAULT_REGION")
    if not settings.endpoint_url:  # what is not AWS may call its regions as it likes
        _require_region(session, session.region_name)
    # looked up now, so that tests can bring a clock of their own
    aws = Aws(session=session, endpoint_url=settings.endpoint_url, sleep=time.sleep, monotonic=time.monotonic)
    return Account(aws=aws, place=where(aws))


def _require_region(session: Any, region: str) -> None:
    """Make sure that ECS is in a region, before AWS is asked: a wrong one is a host that does not answer.

    Raises:
        UsageError: botocore knows of none.
    """
    every = [one for part in session.get_available_partitions() for one in session.get_available_regions("ecs", part)]
    if region not in every:
        near = difflib.get_close_matches(region, every, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"AWS has no region {region!r}", hint=f"{hint}A new one needs a new boto3")
