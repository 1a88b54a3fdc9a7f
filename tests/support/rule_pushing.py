"""Rule groups to push, and every kind of place to push them to."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import boto3
import yaml

from obskit.ascode.alerts.build import Group, as_yaml
from obskit.ascode.alerts.push import Outcome, Plan, Target, plan, push
from obskit.ascode.alerts.push_amp import Amp
from obskit.ascode.alerts.push_folder import Folder
from obskit.ascode.alerts.push_plan import Held
from obskit.ascode.alerts.push_ruler import Ruler
from obskit.settings import AwsSettings, Connection
from tests.standins.ruler import RulerStandIn

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
REGION = "eu-west-1"
THEIRS = {"name": "theirs", "interval": "1m", "rules": [{"record": "a:b:c", "expr": "vector(1)"}]}


def group(number: int, language: str = "PromQL", **more: Any) -> Group:
    """Return a rule group of ours with a recording and an alert."""
    alert = {
        "alert": f"Alert{number}",
        "expr": f'max by (service) (\n  x{number}{{a="b  c"}}\n) >= 1',
        "for": "90s",
        "labels": {"severity": "page"},
        "annotations": {"summary": "{{ $value }} – 😀"},
        **more,
    }
    recording = {"record": f"service:x{number}:max", "expr": f"max by (service) (x{number})"}
    return Group(language=language, name=f"obskit-{number}", rules=(recording, alert))


@dataclass
class Place:
    """Somewhere to push to, and how to look at it and meddle with it behind the push's back."""

    language: str
    target: Callable[[], Target]
    texts: Callable[[], dict[str, str]]
    put_text: Callable[[str, str], None]

    def groups(self, *numbers: int, **more: Any) -> list[Group]:
        """Return groups in the language of the place."""
        return [group(number, self.language, **more) for number in numbers]

    def planned(self, found: Sequence[Group], *, prune: bool = True, **more: Any) -> Plan:
        """Return what a push would do."""
        return plan(self.target(), found, prune=prune, **more)

    def pushed(self, found: Sequence[Group], **more: Any) -> Outcome:
        """Plan and carry out."""
        return push(self.planned(found, **more), self.target())


def folder_place(path: Path) -> Place:
    """Return a folder that is there, and that no Prometheus is known to read."""
    path.mkdir(exist_ok=True)

    def texts() -> dict[str, str]:
        return {f.name.removesuffix(".rules.yml"): f.read_text() for f in sorted(path.glob("*.rules.yml"))}

    def put(name: str, text: str) -> None:
        (path / f"{name}.rules.yml").write_text(text)

    return Place("PromQL", lambda: Folder(path, Connection()), texts, put)


def ruler_place(server: RulerStandIn) -> Place:
    """Return a ruler's stand-in."""

    def texts() -> dict[str, str]:
        return {name: as_yaml({"groups": found}) for name, found in sorted(server.held().items())}

    def put(name: str, text: str) -> None:
        server.held()[name] = yaml.safe_load(text)["groups"]

    language = "PromQL" if server.kind == "mimir" else "LogQL"
    return Place(language, lambda: Ruler(server.connection(), server.kind), texts, put)


def amp(workspace: str, **more: Any) -> Amp:
    """Return a target that does not wait for what is there at once."""
    return Amp(workspace, AwsSettings(region=REGION), **{"pause": lambda _seconds: None, **more})


def amp_place() -> Place:
    """Return a workspace of moto's, within `mock_aws`."""
    client = boto3.client("amp", region_name=REGION)
    workspace = client.create_workspace(alias="obskit")["workspaceId"]

    def texts() -> dict[str, str]:
        names = [n["name"] for n in client.list_rule_groups_namespaces(workspaceId=workspace)["ruleGroupsNamespaces"]]
        found = {n: client.describe_rule_groups_namespace(workspaceId=workspace, name=n) for n in sorted(names)}
        return {name: row["ruleGroupsNamespace"]["data"].decode() for name, row in found.items()}

    def put(name: str, text: str) -> None:
        client.create_rule_groups_namespace(workspaceId=workspace, name=name, data=text.encode())

    target = amp(workspace)  # making a client of boto3 takes a quarter of a second
    return Place("PromQL", lambda: target, texts, put)


def kinds(found: Plan) -> dict[str, str]:
    """Return the kind of each action by its name."""
    return {action.name: action.kind for action in found.actions}


class Cut:
    """A target that is cut off at one of its calls, before or after it did what was asked.

    What goes on in other threads by then may still end: as with a process that is told to stop.
    """

    def __init__(self, target: Target, at: int, *, after: bool, error: BaseException) -> None:
        self._target, self._at, self._after, self._error = target, at, after, error
        self._calls = itertools.count(1)
        self.name, self.language, self.threads = target.name, target.language, target.threads

    def held(self) -> Mapping[str, Held]:
        """Pass it on."""
        return self._cut(self._target.held)

    def put(self, name: str, found: dict[str, Any]) -> None:
        """Pass it on, unless it is the one."""
        self._cut(lambda: self._target.put(name, found))

    def delete(self, name: str) -> None:
        """Pass it on, unless it is the one."""
        self._cut(lambda: self._target.delete(name))

    def finish(self, names: Sequence[str]) -> str:
        """Pass it on, unless it is the one."""
        return self._cut(lambda: self._target.finish(names))

    def _cut(self, work: Callable[[], T]) -> T:
        is_it = next(self._calls) == self._at  # threads share the count
        if is_it and not self._after:
            raise self._error
        found = work()
        if is_it:
            raise self._error
        return found
