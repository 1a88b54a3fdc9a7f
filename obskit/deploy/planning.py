"""From a stack's file to a plan, against the AWS account that whoever runs this sees, or none. Nothing is changed."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from obskit.errors import UsageError

if TYPE_CHECKING:
    from obskit.deploy.aws import Aws
    from obskit.deploy.plan import Plan
    from obskit.deploy.resource import Place, Resource, Stack
    from obskit.deploy.spec import StackSpec
    from obskit.deploy.spec_check import Problem
    from obskit.settings import AwsSettings

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


def read_checked(path: Path, place: Place | None = None, *, commit: str = "") -> tuple[StackSpec, tuple[Problem, ...]]:
    """Read a stack's file and check it.

    Args:
        path: The file.
        place: Where the stack shall stand, when that is known: then zones, region and certificate are
            checked as well.
        commit: That the file is of; a tag.

    Returns:
        What is wanted, and what deserves a warning.

    Raises:
        SettingsError: Something in it cannot be; every fault is named.
    """
    from obskit.deploy.spec_check import require
    from obskit.deploy.spec_file import read
    from obskit.deploy.spec_lines import lines_of

    spec = read(path, commit=commit)
    return spec, require(spec, place, origin=str(path), lines=lines_of(path.read_text(encoding="utf-8")))


def planned(
    spec: StackSpec, account: Account, *, delete_data: bool, tell: Callable[[str], None]
) -> tuple[tuple[Resource, ...], Plan]:
    """Return what is wanted, and the steps towards it.

    Args:
        spec: Checked.
        account: Where it shall stand.
        delete_data: Also delete what holds data and is wanted no more.
        tell: Told what is being asked.
    """
    from obskit.deploy.desired import desired
    from obskit.deploy.observe import observe
    from obskit.deploy.plan import plan
    from obskit.deploy.resources import kinds

    wanted = desired(spec, account.place, kinds())
    there = observe(account.aws, account.stack(spec.name), kinds(), tell=tell)
    return wanted, plan(wanted, there, kinds(), delete_data=delete_data)


def planned_anew(spec: StackSpec, place: Place) -> tuple[tuple[Resource, ...], Plan]:
    """Return what is wanted of a stack of which nothing is there yet, and the steps towards it. Pure.

    Args:
        spec: Checked, with the place.
        place: See `place_unasked`.
    """
    from obskit.deploy.desired import desired
    from obskit.deploy.plan import plan
    from obskit.deploy.resources import kinds

    wanted = desired(spec, place, kinds())
    return wanted, plan(wanted, (), kinds())


def place_unasked(spec: StackSpec) -> Place:
    """Return where a stack would stand, without a call to AWS and without credentials: what `account_for` finds out.

    Args:
        spec: Checked.

    Returns:
        The region as boto3's own chain knows it, its partition, and placeholders for account and zones
        (`obskit.deploy.spec_check.assumed_place`).

    Raises:
        UsageError: There is no region of that name, or none is known.
    """
    from obskit.deploy.observe import partition_of
    from obskit.deploy.spec_check import assumed_place
    from obskit.settings import load_settings

    session = _session(spec.region, load_settings().aws, with_profile=not spec.region)
    return assumed_place(spec, session.region_name, partition_of(session, session.region_name))


def require_answerable(asked: Mapping[str, bool], empty: str) -> None:
    """Make sure that an empty account is asked nothing that only a real one can tell.

    Args:
        asked: Whether something was asked for, by the name that whoever asks calls it: ``--delete-data``.
        empty: What the empty account is called there: ``--empty-account``.

    Raises:
        UsageError: It is asked such a thing.
    """
    for name in (name for name, wanted in asked.items() if wanted):
        raise UsageError(f"{name} says nothing of an empty account", hint=f"drop {name}, or {empty}")


def account_for(region: str) -> Account:
    """Find out who and where we are, by boto3's own chain and ``[aws]`` of the settings.

    Args:
        region: Of the stack; "" for what the settings or the chain say.

    Raises:
        UsageError: There is no profile or no region of that name.
        DeployError: There are no credentials, or AWS cannot be reached.
    """
    from botocore.exceptions import BotoCoreError

    from obskit.deploy.aws import Aws
    from obskit.deploy.errors import DeployError
    from obskit.deploy.observe import where
    from obskit.redact import redact
    from obskit.settings import load_settings

    settings = load_settings().aws
    session = _session(region, settings)
    # looked up now, so that tests can bring a clock of their own
    aws = Aws(session=session, endpoint_url=settings.endpoint_url, sleep=time.sleep, monotonic=time.monotonic)
    try:
        return Account(aws=aws, place=where(aws))
    except (BotoCoreError, OSError) as error:  # the chain itself: half a profile, a token's file that is not there
        hint = "set AWS_PROFILE to a profile that is whole, or run where a role is given"
        said = redact(" ".join(str(error).split()))
        raise DeployError("there are no credentials for AWS", where={"aws": said}, hint=hint) from error


def _session(region: str, settings: AwsSettings, *, with_profile: bool = True) -> Any:
    """Return boto3's session for a region; nobody is called yet.

    Args:
        region: "" for what the settings or boto3's own chain say.
        settings: Profile and region.
        with_profile: False where nothing is asked of a profile, which need not be here then.

    Raises:
        UsageError: There is no profile or no region of that name, or no region is known.
    """
    import boto3
    import botocore.session
    from botocore.exceptions import BotoCoreError

    try:
        session = boto3.Session(
            profile_name=settings.profile or None if with_profile else None,
            region_name=region or settings.region or None,
            # a variable that is read from nowhere: neither from AWS_PROFILE nor from a file
            botocore_session=None if with_profile else botocore.session.Session({"profile": (None,) * 4}),
        )
    except BotoCoreError as error:
        raise UsageError(f"AWS cannot be asked: {error}", hint="set AWS_PROFILE, or profile in [aws]") from error
    if not session.region_name:
        raise UsageError("no AWS region is known", hint="set region in the stack's file, or AWS_DEFAULT_REGION")
    if not settings.endpoint_url:  # what is not AWS may call its regions as it likes
        _require_region(session, session.region_name)
    return session


def _require_region(session: Any, region: str) -> None:
    """Make sure that ECS is in a region, before AWS is asked: a wrong one is a host that does not answer.

    Raises:
        UsageError: botocore knows of none, or only of one whose hosts we cannot name.
    """
    from obskit.deploy.resource import SUFFIXES

    every = [one for part in SUFFIXES for one in session.get_available_regions("ecs", part)]
    if region not in every:
        near = difflib.get_close_matches(region, every, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"AWS has no region {region!r}", hint=f"{hint}A new one needs a new boto3")
