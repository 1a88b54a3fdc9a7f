"""A push makes a server's rules what the repository says, touches nobody else's, and can be cut anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from obskit.ascode.alerts import push_text as words
from obskit.ascode.alerts.build import as_yaml, groups
from obskit.ascode.alerts.expression import Writer
from obskit.ascode.alerts.load import load
from obskit.ascode.alerts.push import Outcome, PushError, plan, push
from obskit.ascode.alerts.push_amp import Amp
from obskit.ascode.alerts.push_compare import groups_in, same
from obskit.ascode.alerts.push_folder import HEADER
from obskit.ascode.alerts.push_ruler import Ruler
from obskit.errors import UsageError
from obskit.settings import Connection, Settings
from tests.standins.faulty import FaultyServer, status
from tests.standins.remembered import mocked_aws
from tests.standins.ruler import RulerStandIn
from tests.support.rule_pushing import (
    ROOT,
    THEIRS,
    Cut,
    Place,
    amp_place,
    folder_place,
    group,
    kinds,
    ruler_place,
)


@pytest.fixture(params=["dir", "amp", "mimir", "loki"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Yield each kind of place, empty."""
    with ExitStack() as stack:
        if request.param == "dir":
            yield folder_place(tmp_path / "rules")
        elif request.param == "amp":
            stack.enter_context(mocked_aws())
            yield amp_place()
        else:
            yield ruler_place(stack.enter_context(RulerStandIn(request.param)))


def reworded(text: str) -> str:
    """Return a rule file that means the same: keys in another order, other white space, durations and quotes."""
    document = yaml.safe_load(text)
    for one in document["groups"]:
        for rule in one["rules"]:
            rule["expr"] = rule["expr"].replace("\n", " \n ") + "\n"
            rule.update({"for": "1m30s"} if rule.get("for") == "90s" else {})
            rule.setdefault("labels", {})
    return f"{HEADER}\n# again\n{yaml.safe_dump(document, sort_keys=True, width=40)}"


# --- plan and push, everywhere ---


def test_all_go_into_an_empty_place_and_again_none(place: Place) -> None:
    """The second push reads, finds nothing to do, and does nothing."""
    ours = place.groups(1, 2, 3)
    first = place.pushed(ours)
    before = place.texts()
    again = place.planned(ours)
    second = push(again, place.target())

    assert [(a.kind, a.name) for a in first.done] == [("create", f"obskit-{n}") for n in (1, 2, 3)]
    assert first.complete
    assert sorted(before) == ["obskit-1", "obskit-2", "obskit-3"]
    assert set(kinds(again).values()) == {"unchanged"}
    assert not again.differs
    assert (second.done, second.failed, second.not_done) == ((), (), ())
    assert place.texts() == before


def test_what_is_put_is_the_group_to_the_last_character(place: Place) -> None:
    """Signs beyond the Basic Multilingual Plane and several lines arrive as they are."""
    place.pushed(place.groups(1))

    (found,) = groups_in(place.texts()["obskit-1"]) or ()
    assert same([found], [place.groups(1)[0].document()])
    assert found["rules"][1]["annotations"]["summary"] == "{{ $value }} – 😀"


def test_only_rules_in_the_language_of_the_place_go_there(place: Place) -> None:
    """Prometheus would refuse a file with LogQL in it, and Loki one with PromQL."""
    both = [group(1, "PromQL"), group(2, "LogQL")]
    found = place.planned(both)

    assert kinds(found) == {"obskit-1" if place.language == "PromQL" else "obskit-2": "create"}


def test_a_change_of_writing_is_no_change(place: Place) -> None:
    """Servers write keys, white space and durations in their own way."""
    place.put_text("obskit-1", reworded(as_yaml({"groups": [place.groups(1)[0].document()]})))

    assert kinds(place.planned(place.groups(1))) == {"obskit-1": "unchanged"}


def test_a_change_is_told_by_its_path_and_put(place: Place) -> None:
    """The plan names rule and field, with the old value and the new."""
    place.pushed(place.groups(1, 2))
    changed = [*place.groups(1), *place.groups(2, **{"for": "5m", "labels": {"severity": "ticket"}})]
    found = place.planned(changed)
    outcome = push(found, place.target())

    assert kinds(found) == {"obskit-1": "unchanged", "obskit-2": "update"}
    assert [(c.path, c.old, c.new) for c in found.actions[1].changes] == [
        ("obskit-2.Alert2.for", found.actions[1].changes[0].old, "5m"),
        ("obskit-2.Alert2.labels.severity", "page", "ticket"),
    ]
    assert found.actions[1].changes[0].old in ("90s", "1m30s")
    assert outcome.complete
    assert not place.planned(changed).differs


def test_what_is_defined_no_more_stays_until_told(place: Place) -> None:
    """Without --prune it is named as left; with it, it goes."""
    place.pushed(place.groups(1, 2))
    ours = place.groups(1)
    kept = place.planned(ours, prune=False)

    assert kinds(kept) == {"obskit-1": "unchanged", "obskit-2": "left"}
    assert kept.differs
    assert place.pushed(ours, prune=False).done == ()
    assert kinds(place.planned(ours)) == {"obskit-1": "unchanged", "obskit-2": "delete"}
    assert place.pushed(ours).complete
    assert sorted(place.texts()) == ["obskit-1"]


def test_nobody_elses_is_touched(place: Place) -> None:
    """Neither what has another name, nor what only has a name of ours; and the rest is pushed."""
    theirs = yaml.safe_dump({"groups": [THEIRS]})
    for name in ("theirs", "obskit-1", "obskit-9"):
        place.put_text(name, theirs)
    before = place.texts()
    found = place.planned(place.groups(1, 2))
    outcome = push(found, place.target())
    after = place.texts()

    assert kinds(found) == {"obskit-1": "refused", "obskit-2": "create", "obskit-9": "refused"}
    assert all("whose is it?" in action.why for action in found.of_kind("refused"))
    assert outcome.complete
    assert {name: after[name] for name in before} == before
    assert sorted(after.keys() - before.keys()) == ["obskit-2"]


def test_many_deletions_are_refused(place: Place) -> None:
    """A stale checkout, or the wrong folder, must not empty a server."""
    place.pushed(place.groups(*range(1, 9)))
    many = place.planned(place.groups(1, 2))
    nothing = place.planned([])

    assert {a.kind for a in many.actions[2:]} == {"refused"}
    assert "--prune-limit 6" in many.actions[2].why
    assert {a.kind for a in nothing.actions} == {"refused"}
    assert "the right folder?" in nothing.actions[0].why
    assert push(many, place.target()).done == ()
    assert len(place.planned(place.groups(1, 2), prune_limit=6).of_kind("delete")) == 6


def test_what_was_changed_since_the_plan_is_not_overwritten(place: Place) -> None:
    """It fails, says so, and a second run takes it into account."""
    place.pushed(place.groups(1, 2, 3))
    ours = place.groups(1, 2, **{"for": "5m"})
    found = place.planned(ours)
    for name in ("obskit-1", "obskit-3"):
        text = place.texts()[name].replace("severity: page", "severity: ticket")
        if place.language == "PromQL" and not text.startswith(HEADER):
            text = f"{HEADER}\n{text}"
        _overwrite(place, name, text)
    outcome = push(found, place.target())

    assert [a.name for a in outcome.done] == ["obskit-2"]
    assert [(r.action.name, r.again) for r in outcome.failed] == [("obskit-1", True)]
    assert "changed meanwhile" in outcome.failed[0].reason
    assert [(r.action.name, r.reason) for r in outcome.not_done] == [
        ("obskit-3", "nothing is deleted until all else succeeded")
    ]


def _overwrite(place: Place, name: str, text: str) -> None:
    if isinstance(target := place.target(), Amp):
        target.put(name, yaml.safe_load(text)["groups"][0])
    else:
        place.put_text(name, text)


def test_a_plan_that_is_carried_out_twice_is_carried_out_once(place: Place) -> None:
    """What is as planned already counts as done."""
    place.pushed(place.groups(1, 2, 3))
    found = place.planned([*place.groups(1, **{"for": "5m"}), *place.groups(2, 4)])
    first = push(found, place.target())
    before = place.texts()
    second = push(found, place.target())

    assert first.complete
    assert second.done == first.done
    assert second.complete
    assert place.texts() == before


@pytest.mark.parametrize(
    ("error", "after"),
    [(KeyboardInterrupt(), False), (KeyboardInterrupt(), True), (PushError("away", stop=True), True)],
    ids=["killed-before", "killed-after", "away-after"],
)
def test_cut_at_any_call_a_second_run_does_the_rest(place: Place, error: BaseException, after: bool) -> None:
    """Reading, two updates, two creations, two deletions, the end: whichever was the last, the next run converges."""
    old = place.groups(1, 2, 3, 4)
    new = [*place.groups(1, 2, **{"for": "5m"}), *place.groups(5, 6)]
    place.pushed(old)
    for at in range(1, 9):
        found = place.planned(new)
        outcome = Outcome()
        try:
            outcome = push(found, Cut(place.target(), at, after=after, error=error))
        except KeyboardInterrupt:
            assert isinstance(error, KeyboardInterrupt)
        else:
            assert not isinstance(error, KeyboardInterrupt)
            assert not outcome.complete
            assert outcome.again
            names = [a.name for a in outcome.done] + [r.action.name for r in (*outcome.failed, *outcome.not_done)]
            assert sorted(names) == [f"obskit-{n}" for n in range(1, 7)]

        assert place.pushed(new).complete, at
        assert not place.planned(new).differs
        assert place.pushed(old).complete


def test_a_name_that_is_not_ours_or_twice_is_refused(place: Place) -> None:
    """It would overwrite somebody's, or one of our own."""
    with pytest.raises(UsageError, match="two rule groups"):
        place.planned(place.groups(1, 1))
    with pytest.raises(UsageError, match="does not begin"):
        place.planned([replace(place.groups(1)[0], name="theirs")])


@pytest.mark.parametrize("place", ["dir", "amp"], indirect=True)
def test_what_is_no_rule_file_is_refused(place: Place) -> None:
    """And never read as an empty one of ours, to be overwritten; nor does it bring the push down."""
    place.put_text("obskit-1", "\x00[\xff")
    place.put_text("obskit-2", "a: &a [x]\nb: [*a, *a]\n")

    assert kinds(place.planned(place.groups(1, 2))) == {"obskit-1": "refused", "obskit-2": "refused"}


def test_our_own_rules_stay_what_they_are(place: Place) -> None:
    """Every group that this repository defines comes back from each kind of server as the same."""
    files, problems = load(ROOT / "alerts")
    ours = groups(files, Writer(settings=Settings()))
    first, again = place.pushed(ours), place.planned(ours)

    assert problems == ()
    assert first.complete
    assert len(first.done) == sum(found.language == place.language for found in ours)
    assert not again.differs


# --- texts ---


def test_a_plan_reads_like_a_diff(tmp_path: Path) -> None:
    """A line for each group, what changes below it, and the sum."""
    place = folder_place(tmp_path)
    place.pushed(place.groups(1, 2, 3))
    found = place.planned([*place.groups(1), *place.groups(2, **{"for": "5m"}), *place.groups(4)], prune=False)

    assert words.of_plan(found) == "\n".join(
        (
            f"to folder {tmp_path}",
            "~ update obskit-2 (2 rules)",
            "    ~ obskit-2.Alert2.for",
            "      - 90s",
            "      + 5m",
            "+ create obskit-4 (2 rules)",
            "? left obskit-3 (2 rules)",
            "1 to create, 1 to update, 1 unchanged, 1 left",
            "what is left is defined no more: --prune deletes it",
        )
    )
    assert json.loads(json.dumps(words.document(found)))["actions"][1]["changes"] == [
        {"path": "obskit-2.Alert2.for", "kind": "changed", "old": "90s", "new": "5m"}
    ]


def test_an_outcome_says_what_was_not_done_and_why() -> None:
    """Hostile words of a server do not reach the terminal."""
    nothing = status(404, b"no rule groups found\n")
    with FaultyServer(nothing, nothing, status(500, b"\x1b[31mboom")) as server:
        target = Ruler(Connection(url=server.url, timeout_seconds=2.0), "mimir")
        found = plan(target, [group(1)], prune=False)
        outcome = push(found, target)

    said = words.of_outcome(outcome)
    assert "! failed: obskit-1: Mimir would not set obskit-1; " in said
    assert "\x1b" not in said
    assert said.endswith("run it again to do the rest")
    assert words.document(found, outcome)["again"] is True
