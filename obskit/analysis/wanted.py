"""What is watched and how it is built, for whoever scripts it: the catalogue, dashboards, rules, the stack's plan."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from obskit.errors import UsageError
from obskit.model import Signal

if TYPE_CHECKING:
    from obskit.ascode.definition import Problem
    from obskit.deploy.plan import Plan

#: Signals that a line names.
_SHOWN = 4


class _Signals(Mapping[str, Signal]):
    """Signals by id, read-only; what is shown of so many is a line, or a table below a notebook's cell."""

    def __init__(self, found: Mapping[str, Signal]) -> None:
        self._found = found

    def __getitem__(self, name: str) -> Signal:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        more = f", and {len(self) - _SHOWN} more" if len(self) > _SHOWN else ""
        return f"<{len(self)} signal{'s' if len(self) != 1 else ''}: {', '.join(islice(self, _SHOWN))}{more}>"

    def _repr_html_(self) -> str:
        from obskit.analysis.show import signals_html

        return signals_html(self)


def signals(word: str = "") -> Mapping[str, Signal]:
    """Return the catalogue: everything that is worth watching, by id, in the order of its topics.

    Args:
        word: Only what it is part of, in id, topic, title or meaning; upper and lower case are the same.

    Returns:
        Read-only. A signal holds its queries (one a kind of instrumentation), unit, bad direction and thresholds.

    Raises:
        UsageError: It is part of none, or no word.

    Example:
        >>> import obskit
        >>> latency = obskit.signals()["http_latency_p95"]
        >>> latency.unit, latency.bad
        ('seconds', 'up')
        >>> obskit.signals("burn")
        <...>
    """
    from obskit.catalogue import signals_about

    asked: object = word  # a script is not always checked by types
    if not isinstance(asked, str):
        hint = "obskit.signals() lists all, obskit.signals('pool') what is about pools"
        raise UsageError(f"signals takes a word, no {type(asked).__name__}", hint=hint)
    return _Signals(signals_about(asked, all_by="obskit.signals()"))


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
    from obskit.ascode.alerts.texts import texts, writer_for
    from obskit.files import folder_of
    from obskit.settings import load_settings

    files, problems = load(Path(folder) if folder is not None else folder_of("alerts"))
    _refuse(problems, "file of alerts")
    return texts(files, writer_for(load_settings()))


def plan_stack(
    file: str | os.PathLike[str] = "stack.toml", *, delete_data: bool = False, empty_account: bool = False
) -> Plan:
    r"""Compare the wanted stack with what AWS has, as ``obskit deploy plan`` does; nothing is changed.

    AWS is asked by boto3's own chain (``AWS_PROFILE``, roles) and ``[aws]`` of the settings.

    Args:
        file: The stack's file.
        delete_data: Also plan to delete what holds data and is wanted no more.
        empty_account: Plan as for an account that has nothing of the stack: AWS is not asked, and no credentials
            are needed. Account and zones are placeholders then.

    Returns:
        ``steps`` (what would be created, changed, replaced, deleted, in an order in which that could be done),
        ``unchanged``, ``kept``.

    Raises:
        UsageError: There is no such file, profile or region, or data shall be deleted in an empty account.
        SettingsError: Something in the file cannot be; every fault is named.
        SourceError: There are no credentials, or AWS cannot be reached.

    Example:
        >>> import obskit
        >>> from pathlib import Path
        >>> lines = ("name = 'shop'", "region = 'eu-west-1'", "domain = 'shop.example.com'", "image = '1.0.0'")
        >>> _ = Path("stack.toml").write_text("\n".join(lines))
        >>> plan = obskit.plan_stack("stack.toml", empty_account=True)
        >>> "vpc.main" in [step.address for step in plan.of("create")]
        True
    """
    from obskit.deploy import planning
    from obskit.progress import progress

    if empty_account:
        planning.require_answerable({"delete_data": delete_data}, "empty_account")
    path = Path(file)
    if not path.is_file():
        raise UsageError(f"there is no file {path}", hint="have one begun: obskit deploy init")
    spec, _ = planning.read_checked(path)
    if empty_account:
        place = planning.place_unasked(spec)
        spec, _ = planning.read_checked(path, place)
        return planning.planned_anew(spec, place)[1]
    account = planning.account_for(spec.region)
    spec, _ = planning.read_checked(path, account.place)
    with progress(f"asking AWS what {spec.name} has") as tell:
        return planning.planned(spec, account, delete_data=delete_data, tell=tell)[1]


def _refuse(problems: Sequence[Problem], what: str) -> None:
    """Raise where a definition could not be loaded."""
    if problems:
        where = {f"{one.file}:{one.line}" if one.line else one.file: one.message for one in problems}
        raise UsageError(f"{len(where)} {what}{'s are' if len(where) > 1 else ' is'} broken", where=where)
