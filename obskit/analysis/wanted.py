"""What is watched and how it is built, for whoever scripts it: the catalogue, dashboards, rules, the stack's plan."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from obskit.errors import UsageError
from obskit.model import Signal

if TYPE_CHECKING:
    from obskit.ascode.definition import Problem
    from obskit.deploy.plan import Plan


def signals() -> Mapping[str, Signal]:
    """Return the catalogue: everything that is worth watching, by id, in the order of its topics.

    Returns:
        Read-only. A signal holds its queries (one a kind of instrumentation), unit, bad direction and thresholds.

    Example:
        >>> import obskit
        >>> latency = obskit.signals()["http_latency_p95"]
        >>> latency.unit, latency.bad
        ('seconds', 'up')
    """
    from obskit.catalogue import all_signals

    return all_signals()


def build_dashboards(folder: str | os.PathLike[str] | None = None) -> dict[str, str]:
    """Build dashboards as ``obskit dashboards build`` does, and write nothing.

    Args:
        folder: Of ``*.dashboard.py``; by default ``./dashboards``, or those that obskit brings. They are Python
            files and are run.

    Returns:
        ``NAME.json`` to its text: keys sorted, the same bytes for the same input.

    Raises:
        UsageError: There is no such folder, no definition in it, or one that is broken.

    Example:
        >>> import json, obskit
        >>> files = obskit.build_dashboards()
        >>> json.loads(files["service.json"])["schemaVersion"] > 30
        True
    """
    from obskit.ascode.build import as_text
    from obskit.ascode.load import load
    from obskit.files import folder_of

    definitions, problems = load(Path(folder) if folder is not None else folder_of("dashboards"))
    _refuse(problems, "dashboard")
    return {f"{one.name}.json": as_text(one.model) for one in definitions}


def build_rules(folder: str | os.PathLike[str] | None = None) -> dict[str, str]:
    """Build alert and recording rules as ``obskit alerts build`` does, and write nothing; `obskit alerts check` checks.

    Args:
        folder: Of ``*.alerts.py``; by default ``./alerts``, or those that obskit brings. They are Python files and
            are run.

    Returns:
        Path to text (YAML): ``prometheus/obskit-http.rules.yml``, ``loki/…``, and ``alertmanager.yml``.

    Raises:
        UsageError: There is no such folder, no definition in it, or one that is broken.
        SettingsError: The settings (label names, receivers) cannot be used.

    Example:
        >>> import obskit
        >>> sorted(obskit.build_rules())[0]
        'alertmanager.yml'
    """
    from obskit.ascode.alerts.load import load
    from obskit.ascode.alerts.texts import texts
    from obskit.files import folder_of
    from obskit.settings import load_settings

    files, problems = load(Path(folder) if folder is not None else folder_of("alerts"))
    _refuse(problems, "file of alerts")
    return texts(files, load_settings())


def plan_stack(file: str | os.PathLike[str] = "stack.toml", *, delete_data: bool = False) -> Plan:
    """Compare the wanted stack with what AWS has, as ``obskit deploy plan`` does; nothing is changed.

    AWS is asked by boto3's own chain (``AWS_PROFILE``, roles) and ``[aws]`` of the settings.

    Args:
        file: The stack's file.
        delete_data: Also plan to delete what holds data and is wanted no more.

    Returns:
        ``steps`` (what would be created, changed, replaced, deleted, in an order in which that could be done),
        ``unchanged``, ``kept``.

    Raises:
        UsageError: There is no such file, profile or region.
        SettingsError: Something in the file cannot be; every fault is named.
        SourceError: There are no credentials, or AWS cannot be reached.

    Example:
        >>> import obskit
        >>> plan = obskit.plan_stack("stack.toml")  # doctest: +SKIP
        >>> [step.address for step in plan.of("create")]  # doctest: +SKIP
        ['vpc.main', ...]
    """
    from obskit.deploy.planning import account_for, planned, read_checked
    from obskit.progress import progress

    path = Path(file)
    if not path.is_file():
        raise UsageError(f"there is no file {path}", hint="have one begun: obskit deploy init")
    account = account_for(read_checked(path)[0].region)
    spec, _ = read_checked(path, account.place)
    with progress(f"asking AWS what {spec.name} has") as tell:
        return planned(spec, account, delete_data=delete_data, tell=tell)[1]


def _refuse(problems: Sequence[Problem], what: str) -> None:
    """Raise where a definition could not be loaded."""
    if problems:
        where = {f"{one.file}:{one.line}" if one.line else one.file: one.message for one in problems}
        raise UsageError(f"{len(where)} {what}{'s are' if len(where) > 1 else ' is'} broken", where=where)
