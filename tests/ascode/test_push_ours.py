"""A push knows its own: what another one made, or a person, it neither changes nor deletes unasked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from obskit.ascode.plan import folder_uid
from obskit.ascode.push import plan, push
from obskit.settings import DashboardSettings
from tests.standins.grafana import GrafanaStandIn
from tests.support.pushing import (
    COMMIT,
    FOLDER,
    MARKED,
    OURS,
    SETTINGS,
    client,
    definition,
    kinds,
    only,
    planned,
    pushed,
    refuse,
)


@pytest.fixture(params=["11.2.0", "12.1.0"])
def server(request: pytest.FixtureRequest) -> Iterator[GrafanaStandIn]:
    """Start an empty Grafana's stand-in, of a release before and one after the API of versions changed."""
    with GrafanaStandIn(request.param) as running:
        yield running


@pytest.fixture
def one() -> Iterator[GrafanaStandIn]:
    """Start one where the release does not matter."""
    with GrafanaStandIn() as running:
        yield running


def test_a_save_that_repeats_our_message_is_not_ours(server: GrafanaStandIn) -> None:
    """The digest in it fits what we pushed, not what the person made: it is an edit."""
    pushed(server, OURS[:1])
    server.edit_in_ui("board-00", refuse, by="ann", message=client(server).versions("board-00")[0].message)
    action = only(planned(server, OURS[:1]))

    assert action.kind == "refused"
    assert action.edited_by == ("ann",)
    assert [c.path for c in action.edits] == ["panels[Latency].targets[A].expr"]


def test_a_copy_with_our_message_is_not_ours(one: GrafanaStandIn) -> None:
    """Neither to change nor to delete: the digest fits another content."""
    pushed(one, OURS[:1])
    message = client(one).versions("board-00")[0].message
    for uid in ("board-01", "copy"):
        one.put({"uid": uid, "title": uid, **MARKED}, folder_uid=FOLDER, message=message)

    assert {a.uid: a.kind for a in planned(one, OURS[:2]).actions} == {
        "board-00": "unchanged",
        "board-01": "refused",
        "copy": "refused",
    }


@pytest.mark.parametrize(
    "other",
    [
        DashboardSettings(folder="Team B", mark="obskit"),
        DashboardSettings(folder="Operations", mark="team-b"),
        DashboardSettings(folder="", mark="obskit"),
    ],
    ids=["its own folder", "its own mark", "the root"],
)
def test_two_repositories_prune_nothing_of_each_other(server: GrafanaStandIn, other: DashboardSettings) -> None:
    """With the default mark in two folders, or with two marks in one, over and over."""
    theirs = [definition(20), definition(21)]
    for _ in range(2):
        for settings, definitions in ((SETTINGS, OURS[:3]), (other, theirs)):
            found = plan(definitions, client(server), settings, prune=True)
            push(found, client(server), commit=COMMIT)
            assert not found.of_kind("delete", "refused")

    assert len(server.models) == 5
    assert kinds(plan(theirs[:1], client(server), other, prune=True)) == {"unchanged": 1, "delete": 1}


def test_what_was_pushed_under_another_mark_is_refused_and_not_pruned(one: GrafanaStandIn) -> None:
    """Even where somebody gave it our tag, too."""
    theirs = DashboardSettings(folder="Operations", mark="team-b")
    push(plan([definition(0), definition(1)], client(one), theirs, prune=False), client(one), commit=COMMIT)
    for uid in ("board-00", "board-01"):
        one.edit_in_ui(uid, lambda model: model.update(tags=["obskit", "team-b"]))
    found = planned(one, [definition(1, description="ours"), definition(2)], prune_limit=9)

    assert {a.uid: (a.kind, a.foreign) for a in found.actions} == {
        "board-00": ("refused", True),
        "board-01": ("refused", False),
        "board-02": ("create", False),
    }


def test_what_somebody_moved_out_of_our_folder_is_still_pruned(server: GrafanaStandIn) -> None:
    """Its version's message says that we put it into ours; what another push put elsewhere stays."""
    pushed(server, OURS[:2])
    server.move("board-01", "elsewhere")
    found = planned(server, OURS[:1])

    assert [(a.kind, a.uid, a.folder) for a in found.of_kind("delete")] == [("delete", "board-01", "elsewhere")]


def test_what_was_moved_into_our_folder_is_not_ours_to_delete(one: GrafanaStandIn) -> None:
    """Another repository with the same mark put it elsewhere."""
    other = DashboardSettings(folder="Team B", mark="obskit")
    push(plan([definition(20)], client(one), other, prune=False), client(one), commit=COMMIT)
    pushed(one, OURS[:1])
    one.move("board-20", FOLDER)
    action = only(planned(one, OURS[:1]))

    assert (action.kind, action.foreign) == ("refused", True)
    assert folder_uid("Team B") in action.why


def test_a_folder_of_ours_that_was_moved_into_another_is_used_there(server: GrafanaStandIn) -> None:
    """Grafana lists the root only; the folder keeps its uid, and a push goes on as before."""
    pushed(server, OURS[:2])
    server.put({"uid": "x", "title": "x"}, folder_uid="ops")
    server.move_folder(FOLDER, "ops")
    again = planned(server, OURS[:2])
    outcome = pushed(server, [definition(0, description="new"), OURS[2]])

    assert kinds(again) == {"unchanged": 2}
    assert outcome.failed == outcome.not_done == ()
    assert {uid: place for uid, place in server.places.items() if uid != "x"} == {
        "board-00": FOLDER,
        "board-02": FOLDER,
    }
