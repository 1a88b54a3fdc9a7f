"""What is particular to a folder with its Prometheus, and to rulers; and which option names which target."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from obskit.ascode.alerts.build import as_yaml
from obskit.ascode.alerts.push import Action, PushError, plan, push, target_for
from obskit.ascode.alerts.push_folder import HEADER, Folder
from obskit.ascode.alerts.push_ruler import Ruler
from obskit.errors import UsageError
from obskit.files import STAMP
from obskit.settings import AwsSettings, Connection, Settings
from tests.standins.faulty import FaultyServer, refuse, status
from tests.standins.ruler import RulerStandIn
from tests.support.rule_pushing import (
    REGION,
    Cut,
    folder_place,
    group,
    kinds,
)
from tests.support.servers import PrometheusServer

# --- a folder, and the Prometheus that reads it ---


class Reading(PrometheusServer):
    """A Prometheus that reads the rules of a folder, and reloads when told."""

    def __init__(self, rules: str, *, lifecycle: bool = True) -> None:
        super().__init__()
        self._rules, self._lifecycle = rules, lifecycle

    def command(self) -> list[str]:
        """Write the configuration over the usual one."""
        arguments = super().command()
        (self.folder / "prometheus.yml").write_text(json.dumps({"rule_files": [self._rules]}), encoding="utf-8")
        return [*arguments, *(["--web.enable-lifecycle"] if self._lifecycle else [])]


def test_a_real_prometheus_evaluates_what_was_pushed(tmp_path: Path) -> None:
    """Written, reloaded, and looked after: changed, and pruned, it follows."""
    with Reading(f"{tmp_path}/*.rules.yml") as server:
        target = Folder(tmp_path, Connection(url=server.url))
        first = push(plan(target, [group(1), group(2)], prune=True), target)
        second = push(plan(target, [group(1, **{"for": "5m"})], prune=True), target)
        _, said = target._ask("GET", "/api/v1/rules", whole=True)
        # Written, and then cut: the next run has nothing to write, and still has it read.
        push(plan(target, [group(3)], prune=False), Cut(target, 3, after=False, error=PushError("cut")))
        third = push(plan(target, [group(1, **{"for": "5m"}), group(3)], prune=True), target)

    (found,) = json.loads(said)["data"]["groups"]
    assert first.told == "Prometheus evaluates these 2 groups"
    assert second.complete
    assert (found["name"], found["rules"][1]["duration"]) == ("obskit-1", 300)
    assert (third.done, third.told) == ((), "Prometheus evaluates these 2 groups")


def test_a_prometheus_that_refuses_the_rules_is_told_in_its_words(tmp_path: Path) -> None:
    """The push is not complete: it goes on with the rules from before."""
    with Reading(f"{tmp_path}/*.rules.yml") as server:
        target = Folder(tmp_path, Connection(url=server.url))
        outcome = push(plan(target, [group(1, expr="sum(")], prune=True), target)

    assert [a.name for a in outcome.done] == ["obskit-1"]
    assert not outcome.complete
    assert "goes on with what it had before" in outcome.unused
    assert "its log names the file and line" in outcome.unused


def test_a_prometheus_that_reads_another_folder_is_found_out(tmp_path: Path) -> None:
    """A reload that succeeds says nothing of whether our files are among what was read."""
    with Reading("/nowhere/*.yml") as server:
        target = Folder(tmp_path, Connection(url=server.url))
        outcome = push(plan(target, [group(1)], prune=True), target)

    assert "does not evaluate 1 of these groups" in outcome.unused
    assert f"rule_files: [{tmp_path}/*.rules.yml]" in outcome.unused


def test_a_prometheus_that_takes_no_reload_is_told_with_what_to_do(tmp_path: Path) -> None:
    """Its lifecycle API is off by default."""
    with Reading(f"{tmp_path}/*.rules.yml", lifecycle=False) as server:
        target = Folder(tmp_path, Connection(url=server.url))
        outcome = push(plan(target, [group(1)], prune=True), target)

    assert "--web.enable-lifecycle" in outcome.unused
    assert "kill -HUP" in outcome.unused


def test_without_a_prometheus_that_is_said(tmp_path: Path) -> None:
    """The files are there; whether anybody reads them nobody knows."""
    with refuse() as url:
        away = Folder(tmp_path, Connection(url=url, timeout_seconds=1.0))
        outcome = push(plan(away, [group(1)], prune=True), away)
    target = Folder(tmp_path, Connection())
    other = push(plan(target, [group(1)], prune=True), target)

    assert "Prometheus could not be reached" in outcome.unused
    assert outcome.done
    assert "OBSKIT_PROMETHEUS_URL" in other.told
    assert other.complete


def test_a_folder_that_is_not_there_is_refused_and_not_made(tmp_path: Path) -> None:
    """One that was mistyped would be written to, and read by nobody."""
    target = Folder(tmp_path / "ruels", Connection())

    with pytest.raises(UsageError, match="there is no folder") as caught:
        plan(target, [group(1)], prune=True)

    assert f"mkdir -p {tmp_path / 'ruels'}" in caught.value.hint
    assert not (tmp_path / "ruels").exists()


def test_a_file_that_was_changed_by_hand_is_not_deleted(tmp_path: Path) -> None:
    """It is ours by its first line, and what is in it is somebody's; it is updated while it is defined."""
    place = folder_place(tmp_path)
    place.pushed(place.groups(1, 2))
    place.put_text("obskit-2", place.texts()["obskit-2"].replace("severity: page", "severity: ticket"))

    assert kinds(place.planned(place.groups(1))) == {"obskit-1": "unchanged", "obskit-2": "refused"}
    assert "delete it by hand" in place.planned(place.groups(1)).actions[1].why
    assert kinds(place.planned(place.groups(1, 2))) == {"obskit-1": "unchanged", "obskit-2": "update"}


def test_a_file_that_was_changed_after_the_plan_is_not_deleted(tmp_path: Path) -> None:
    """Between looking and deleting somebody may have begun to work on it."""
    place = folder_place(tmp_path)
    place.pushed(place.groups(1, 2))
    target = Folder(tmp_path, Connection())
    place.put_text("obskit-2", place.texts()["obskit-2"].replace("severity: page", "severity: ticket"))

    with pytest.raises(PushError, match="changed meanwhile"):
        target.delete("obskit-2")
    assert sorted(place.texts()) == ["obskit-1", "obskit-2"]


def test_a_server_that_does_not_list_its_rules_is_believed_its_reload(tmp_path: Path) -> None:
    """Something in front of it may let nothing else through."""
    with FaultyServer(status(200), status(403, b"no")) as server:
        target = Folder(tmp_path, Connection(url=server.url, timeout_seconds=2.0))
        outcome = push(plan(target, [group(1)], prune=True), target)

    assert outcome.complete
    assert outcome.told == "Prometheus read its rules again; which ones it would not say (status 403)"


def test_what_was_copied_there_by_hand_is_ours_by_its_first_line(tmp_path: Path) -> None:
    """Who built and copied so far goes on with a push; a damaged stamp is believed nothing."""
    place = folder_place(tmp_path)
    place.put_text("obskit-1", as_yaml({"groups": [group(1).document()]}))
    (tmp_path / STAMP).write_text("[1]")

    assert kinds(place.planned(place.groups(1))) == {"obskit-1": "unchanged"}
    assert kinds(place.planned(place.groups(2))) == {"obskit-2": "create", "obskit-1": "delete"}
    assert place.pushed(place.groups(2)).complete
    assert sorted(place.texts()) == ["obskit-2"]


def test_a_folder_that_cannot_be_written_fails_whole(tmp_path: Path) -> None:
    """With what to do, and without another try being promised."""
    (tmp_path / STAMP).mkdir()  # where every push writes
    outcome = folder_place(tmp_path).pushed([group(1)])

    assert [r.again for r in outcome.failed] == [False]
    assert "cannot be written" in outcome.failed[0].reason


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """Before anything is done."""
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match="cannot be read"):
        plan(Folder(tmp_path / "file", Connection()), [group(1)], prune=True)


# --- rulers ---


@pytest.fixture
def mimir() -> Iterator[RulerStandIn]:
    """Start a stand-in of Mimir's ruler."""
    with RulerStandIn("mimir") as running:
        yield running


def test_a_ruler_is_asked_as_its_documentation_says() -> None:
    """Routes, YAML as the body, the tenant and the token."""
    for kind, prefix in (("mimir", "/prometheus/config/v1/rules"), ("loki", "/loki/api/v1/rules")):
        with RulerStandIn(kind, tenants=True, token="t0ken") as server:  # type: ignore[arg-type]
            target = Ruler(server.connection(tenant="prod"), kind)  # type: ignore[arg-type]
            ours = group(1, target.language)
            push(plan(target, [ours, group(2, target.language)], prune=True), target)
            push(plan(target, [ours], prune=True), target)

            assert server.writes()[0].startswith(f"POST {prefix}/obskit-")
            assert server.writes()[-1] == f"DELETE {prefix}/obskit-2/obskit-2"
            assert list(server.rules) == ["prod"]
            assert server.bodies[0].startswith(HEADER.encode())
            assert target.name == f"{kind.capitalize()} at {server.url}, tenant prod"


def test_an_address_of_mimir_may_have_its_prefix(mimir: RulerStandIn) -> None:
    """As the address of a Grafana data source has."""
    connection = replace(mimir.connection(), url=f"{mimir.url}/prometheus")

    assert push(plan(Ruler(connection, "mimir"), [group(1)], prune=True), Ruler(connection, "mimir")).complete


@pytest.mark.parametrize("fault", ["lost", "reset", (503, "try later"), (429, "too many requests")])
def test_a_passing_failure_is_tried_again(mimir: RulerStandIn, fault: Any) -> None:
    """A group is set whole: to set it twice does no harm."""
    mimir.fault = lambda _call, number: fault if number == 1 else None
    target = Ruler(mimir.connection(), "mimir")
    outcome = push(plan(target, [group(1)], prune=True), target)

    assert outcome.complete
    assert len(mimir.writes()) == 2


def test_a_failure_that_lasts_leaves_the_others_alone(mimir: RulerStandIn) -> None:
    """And nothing is deleted then."""
    target = Ruler(mimir.connection(), "mimir")
    push(plan(target, [group(1), group(9)], prune=True), target)
    mimir.fault = lambda call, _number: (500, "ring is empty") if call.endswith("/obskit-2") else None
    outcome = push(plan(target, [group(1), group(2), group(3)], prune=True), target)
    mimir.fault = lambda _call, _number: None

    assert [a.name for a in outcome.done] == ["obskit-3"]
    assert [(r.action.name, r.again) for r in outcome.failed] == [("obskit-2", True)]
    assert "ring is empty" in outcome.failed[0].reason
    assert [r.action.name for r in outcome.not_done] == ["obskit-9"]
    assert outcome.again
    assert push(plan(target, [group(1), group(2), group(3)], prune=True), target).complete


def test_a_limit_of_the_tenant_is_told_with_its_setting() -> None:
    """Mimir takes twenty rules of a group by default."""
    with RulerStandIn("mimir", most_rules=1) as server:
        target = Ruler(server.connection(), "mimir")
        outcome = push(plan(target, [group(1)], prune=True), target)

    assert "ruler_max_rules_per_rule_group" in outcome.failed[0].reason
    assert not outcome.again


def test_a_right_that_is_missing_ends_it_at_once(mimir: RulerStandIn) -> None:
    """Every other request would meet the same."""
    mimir.fault = lambda _call, number: (403, "no") if number else None
    target = Ruler(mimir.connection(), "mimir")
    outcome = push(plan(target, [group(n) for n in range(1, 30)], prune=True), target)

    assert 1 <= len(mimir.writes()) <= target.threads
    assert len(outcome.failed) + len(outcome.not_done) == 29
    assert "the right to write rules" in outcome.failed[0].reason
    assert not outcome.again


def test_a_deletion_that_is_refused_is_told(mimir: RulerStandIn) -> None:
    """And one of what is gone already is none."""
    target = Ruler(mimir.connection(), "mimir")
    push(plan(target, [group(1), group(2)], prune=True), target)
    mimir.fault = lambda call, _number: (400, "read-only") if call.startswith("DELETE") else None
    outcome = push(plan(target, [group(1)], prune=True), target)
    mimir.fault = lambda _call, _number: None
    target.delete("obskit-7")

    assert [(r.action.name, r.again) for r in outcome.failed] == [("obskit-2", False)]
    assert "Mimir would not delete obskit-2; read-only" in outcome.failed[0].reason


@pytest.mark.parametrize("body", [b"", b"{}\n"])
def test_a_ruler_without_any_rules_may_say_so_with_200(body: bytes) -> None:
    """Newer releases do; older ones answer 404."""
    with FaultyServer(status(200, body)) as server:
        target = Ruler(Connection(url=server.url, timeout_seconds=2.0), "mimir")

        assert kinds(plan(target, [group(1)], prune=True)) == {"obskit-1": "create"}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (status(404, b"404 page not found"), "is its ruler's API enabled?"),
        (status(401, b"no org id"), "OBSKIT_LOKI_TENANT"),
        (status(200, b"<html>Sign in</html>"), "no list of rule groups"),
        (status(200, b"a: &a [x]\nb: [*a]"), "no list of rule groups"),
        (status(405, b""), "local folder"),
    ],
)
def test_a_ruler_that_is_none_is_told_before_anything_is_done(answer: Any, says: str) -> None:
    """With what to look at."""
    with FaultyServer(answer) as server:
        target = Ruler(Connection(url=server.url, timeout_seconds=2.0), "loki")
        with pytest.raises(PushError) as caught:
            plan(target, [group(1, "LogQL")], prune=True)

    assert says in str(caught.value)
    assert [seen.method for seen in server.seen] == ["GET"]


# --- what an option names ---


def test_an_option_names_the_target() -> None:
    """Each kind, and the configured servers where no address is given."""
    settings = Settings(
        prometheus=Connection(url="https://mimir.example/prometheus", tenant="prod"),
        loki=Connection(url="http://loki:3100"),
        aws=AwsSettings(region=REGION),
    )

    assert target_for("dir:/etc/prometheus/rules", settings).name == "folder /etc/prometheus/rules"
    assert target_for("amp:ws-1a2b", settings).name == "Amazon Managed Prometheus, workspace ws-1a2b"
    assert target_for("mimir:", settings).name == "Mimir at https://mimir.example/prometheus, tenant prod"
    assert target_for("mimir:https://mimir.example", settings).name == "Mimir at https://mimir.example, tenant prod"
    assert target_for("loki:http://loki:3100/", settings).name == "Loki at http://loki:3100"


def test_a_token_is_for_nobody_but_its_server() -> None:
    """Another address is asked as nobody."""
    settings = Settings(prometheus=Connection(url="https://mimir.example", tenant="prod", bearer_token="s3cret"))

    assert target_for("mimir:https://elsewhere.example", settings).name == "Mimir at https://elsewhere.example"


@pytest.mark.parametrize("to", ["", "dir:", "amp:", "amp:a/b", "s3://bucket", "rules", "mimir:", "loki:", "dir"])
def test_an_option_that_names_none_is_refused(to: str) -> None:
    """With what can be named."""
    with pytest.raises(UsageError) as caught:
        target_for(to, Settings())

    assert "dir:PATH" in str(caught.value) or "--to" in str(caught.value)


def test_progress_is_told_of_each(tmp_path: Path) -> None:
    """In the thread that pushes."""
    told: list[Action] = []
    place = folder_place(tmp_path)
    push(place.planned(place.groups(1, 2)), place.target(), progress=told.append)

    assert sorted(action.name for action in told) == ["obskit-1", "obskit-2"]
