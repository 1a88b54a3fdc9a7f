"""Titles that change hands converge where a folder holds each once, and a failure says whether time cures it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from obskit.ascode.definition import Definition
from obskit.ascode.push import push
from tests.standins.grafana import WRITES, GrafanaStandIn
from tests.support.pushing import (
    COMMIT,
    FOLDER,
    OURS,
    client,
    definition,
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


# titles that are taken, up to Grafana 11.5


def renamed_uid() -> list[Definition]:
    """Return the first three of ours, the last with another uid and the same title."""
    return [OURS[0], OURS[1], definition(2, uid="another")]


def swapped() -> list[Definition]:
    """Return the first three of ours, with the titles of two swapped, and the third's passed on in a circle."""
    return [definition(0, title="Board 1"), definition(1, title="Board 2"), definition(2, title="Board 0")]


@pytest.mark.parametrize("wanted", [renamed_uid, swapped])
def test_titles_that_change_hands_converge_at_once(
    server: GrafanaStandIn, wanted: Callable[[], list[Definition]]
) -> None:
    """A new uid under the old title, or titles in a circle: one push, and nothing is left to do."""
    pushed(server, OURS[:3])
    outcome = pushed(server, wanted())

    assert outcome.failed == outcome.not_done == ()
    assert {uid: model["title"] for uid, model in server.models.items()} == {d.uid: d.title for d in wanted()}
    assert not planned(server, wanted()).differs


@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("k", range(1, 10))
@pytest.mark.parametrize("wanted", [renamed_uid, swapped])
def test_killed_while_titles_change_hands_the_next_push_converges(
    one: GrafanaStandIn, wanted: Callable[[], list[Definition]], k: int, applied: bool
) -> None:
    """Whatever was renamed for a while is still known as ours."""
    pushed(one, OURS[:3])
    one.die_at_call(k, applied, methods=WRITES, stays_down=True)
    pushed(one, wanted())
    one.down = False
    pushed(one, wanted())

    assert {uid: model["title"] for uid, model in one.models.items()} == {d.uid: d.title for d in wanted()}
    assert not planned(one, wanted()).differs


def test_nothing_is_lost_when_the_new_one_cannot_be_made(one: GrafanaStandIn) -> None:
    """The old one is renamed, not deleted, until the new one is there."""
    pushed(one, OURS[:3])
    found = planned(one, renamed_uid())
    one.die_at_call(4, applied=False, methods=WRITES, stays_down=True)  # refused twice, renamed, and then away
    outcome = push(found, client(one), commit=COMMIT)

    assert [(r.action.uid, r.again) for r in outcome.failed] == [("another", True)]
    assert [r.action.uid for r in outcome.not_done] == ["board-02"]
    assert "renamed to Board 2 (board-02) for now" in outcome.not_done[0].reason
    assert one.models["board-02"]["title"] == "Board 2 (board-02)"


def test_without_prune_a_taken_title_says_what_to_do(one: GrafanaStandIn) -> None:
    """Running it again cures nothing: the old one bears our mark, and --prune is what ends it."""
    pushed(one, OURS[:3])
    outcome = pushed(one, renamed_uid(), prune=False)

    (failed,) = outcome.failed
    assert "'board-02'" in failed.reason
    assert "--prune" in failed.reason
    assert not failed.again
    assert not outcome.again


def test_a_title_that_an_edited_one_keeps_says_why(one: GrafanaStandIn) -> None:
    """The old one may not be deleted, since somebody works with it."""
    pushed(one, OURS[:3])
    one.edit_in_ui("board-02", refuse, by="ann")
    (failed,) = pushed(one, renamed_uid()).failed

    assert "'board-02'" in failed.reason
    assert "edited in Grafana by ann" in failed.reason
    assert one.models["board-02"]["title"] == "Board 2"


# whether running it again helps


@pytest.mark.parametrize(("status", "again"), [(500, True), (503, True), (429, True), (401, False), (403, False)])
def test_a_failure_says_whether_running_it_again_may_help(one: GrafanaStandIn, status: int, again: bool) -> None:
    """A right that is missing stays missing."""
    found = planned(one, OURS[:2])
    one.fail_next(100, status, methods=WRITES)
    outcome = push(found, client(one), commit=COMMIT)

    assert {r.again for r in (*outcome.failed, *outcome.not_done)} == {again}
    assert outcome.again == again


def test_a_server_that_went_away_and_one_that_was_faster_may_be_asked_again(one: GrafanaStandIn) -> None:
    """No answer, and a save meanwhile: the next plan sees what is there."""
    pushed(one, OURS[:2])
    found = planned(one, [definition(0, description="new"), OURS[1]])
    one.edit_in_ui("board-00", refuse)
    late = push(found, client(one), commit=COMMIT)
    one.down = True
    away = push(found, client(one), commit=COMMIT)

    assert late.failed
    assert away.failed
    assert late.again
    assert away.again


def test_a_title_that_is_a_strangers_is_no_reason_to_run_it_again(one: GrafanaStandIn) -> None:
    """Somebody has to choose another."""
    one.put({"uid": "other", "title": "Board 0"}, folder_uid=FOLDER)
    outcome = pushed(one, OURS[:2])

    assert "'other'" in outcome.failed[0].reason
    assert not outcome.again
