"""What all of ``obskit deploy …`` begins with: the file, AWS, and which account that is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from obskit.cli.git import head
from obskit.deploy.planning import FILE_NAME, Account, account_for
from obskit.errors import UsageError
from obskit.escape import clean

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import StackSpec

__all__ = ["FILE_NAME", "Account", "account_for", "read_spec", "spec_and_account", "stack_name"]


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
    from obskit.deploy.planning import read_checked

    path = file or Path(FILE_NAME)
    if path.is_dir():
        raise UsageError(f"{path} is a folder", hint=f"name the file in it: --stack {path / FILE_NAME}")
    if not path.is_file():
        raise UsageError(
            f"there is no file {path}", hint="name it: --stack FILE; or have one begun: obskit deploy init"
        )
    spec, warnings = read_checked(path, place, commit=head(path.resolve().parent))
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
