"""A push makes Grafana what the repository says, undoes nobody's work unasked, and can be cut anywhere."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.ascode.canonical import canonical, fingerprint
from obskit.ascode.definition import Definition
from obskit.ascode.load import load
from obskit.ascode.ours import message_of
from obskit.ascode.plan import folder_uid
from obskit.ascode.push import Action, Outcome, marked, plan, push
from obskit.errors import SourceError, UsageError
from obskit.settings import DashboardSettings
from tests.standins.grafana import WRITES, GrafanaStandIn
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


def test_twelve_go_into_an_empty_grafana_and_again_none(server: GrafanaStandIn) -> None:
    """The second push reads, finds nothing to do, and does nothing."""
    first = pushed(server, OURS)
    before = len(server.writes())
    again = planned(server, OURS)
    second = push(again, client(server), commit="another")

    assert [action.kind for action in first.done] == ["create"] * 12
    assert first.failed == first.not_done == ()
    assert before == 13  # the folder and twelve dashboards
    assert set(server.places.values()) == {"operations-" + folder_uid("Operations").rpartition("-")[2]}
    assert kinds(again) == {"unchanged": 12}
    assert not again.differs
    assert second == Outcome(done=(), failed=(), not_done=())
    assert len(server.writes()) == before


def test_the_dashboards_of_this_repository_go_in_and_stay(one: GrafanaStandIn) -> None:
    """What obskit itself defines is the same after a round trip, and after somebody saved it untouched.

    The stand-in's browser also saves what was chosen of variables that stand in the dashboard: a difference.
    """
    definitions, problems = load(Path(__file__).parents[2] / "dashboards")
    pushed(one, list(definitions))
    again = planned(one, list(definitions))
    for found in definitions:
        one.edit_in_ui(found.uid, panel_defaults=True)
    edits = [edit.path for action in planned(one, list(definitions)).actions for edit in action.edits]

    assert problems == ()
    assert kinds(again) == {"unchanged": len(definitions)}
    assert [path for path in edits if ".current." not in path] == []


def test_a_save_of_ours_says_where_it_comes_from(server: GrafanaStandIn) -> None:
    """The version's message carries commit and digest, and the tag says that it is ours."""
    pushed(server, OURS[:1])
    (version,) = client(server).versions("board-00")
    model = marked(OURS[0].model, "obskit")

    assert version.message == f"obskit obskit {FOLDER} {COMMIT} {fingerprint(model)}"
    assert server.models["board-00"]["tags"] == ["obskit"]
    for commit in ("", "two words\n"):
        message = message_of(model, mark="obskit", folder_uid="", commit=commit)
        assert message == f"obskit obskit general unknown {fingerprint(model)}"


@given(st.text(max_size=200), st.text(max_size=100))
def test_a_message_is_five_words_whatever_the_mark(mark: str, commit: str) -> None:
    """It is read again, and Grafana takes 500 bytes."""
    message = message_of({"title": "T"}, mark=mark, folder_uid="f", commit=commit)

    assert len(message.split(" ")) == 5
    assert len(message.encode()) < 500


def test_a_person_who_only_saves_changes_nothing(server: GrafanaStandIn) -> None:
    """What Grafana's frontend writes by itself is no edit and no difference."""
    pushed(server, OURS[:1])
    server.edit_in_ui("board-00", None, panel_defaults=True)

    assert kinds(planned(server, OURS[:1])) == {"unchanged": 1}


def test_an_edit_in_the_browser_is_reported_as_exactly_that_path(server: GrafanaStandIn) -> None:
    """With who did it; and it is refused, with the way out."""
    pushed(server, OURS)
    server.edit_in_ui("board-03", refuse, by="mallory", panel_defaults=True)
    found = planned(server, OURS)
    action = only(found)

    assert action.kind == "refused"
    assert [(c.path, c.old, c.new) for c in action.edits] == [
        ("panels[Latency].targets[A].expr", "rate(x3_total[5m])", "edited_by_hand")
    ]
    assert [(c.path, c.old, c.new) for c in action.changes] == [
        ("panels[Latency].targets[A].expr", "edited_by_hand", "rate(x3_total[5m])")
    ]
    assert action.edited_by == ("mallory",)
    assert "mallory" in action.why
    assert "--overwrite-edits" in action.why
    assert push(found, client(server), commit=COMMIT).done == ()


def test_an_edit_is_overwritten_when_told(server: GrafanaStandIn) -> None:
    """And the edits are still listed in the plan: they are what is lost."""
    pushed(server, OURS[:2])
    server.edit_in_ui("board-01", refuse)
    found = planned(server, OURS[:2], overwrite_edits=True)
    outcome = push(found, client(server), commit=COMMIT)

    assert [c.path for c in only(found).edits] == ["panels[Latency].targets[A].expr"]
    assert [action.uid for action in outcome.done] == ["board-01"]
    assert not planned(server, OURS[:2]).differs


def test_an_edit_that_the_code_took_over_is_in_nobodys_way(server: GrafanaStandIn) -> None:
    """Pulled, committed together with more: the push undoes nothing of it."""
    pushed(server, OURS[:1])
    server.edit_in_ui("board-00", refuse)
    model = copy.deepcopy(OURS[0].model)
    refuse(model)
    model["description"] = "And something new."
    action = only(planned(server, [definition(0, **model)]))

    assert action.kind == "update"
    assert [c.path for c in action.changes] == ["description"]
    assert [c.path for c in action.edits] == ["panels[Latency].targets[A].expr"]


def test_a_change_in_the_code_updates_only_that_dashboard(server: GrafanaStandIn) -> None:
    """One call, and a new version of one."""
    pushed(server, OURS)
    before = len(server.writes())
    outcome = pushed(server, [*OURS[:11], definition(11, description="new")])

    assert [(action.kind, action.uid) for action in outcome.done] == [("update", "board-11")]
    assert len(server.writes()) == before + 1


def test_a_foreign_dashboard_of_our_uid_is_not_taken(server: GrafanaStandIn) -> None:
    """It was never ours: refused, unless told."""
    server.put({"uid": "board-00", "title": "Somebody's", "panels": []})
    server.put({"uid": "board-01", "title": "Theirs, marked", **MARKED})

    assert kinds(planned(server, OURS[:2])) == {"refused": 2}
    assert all("no version of it is ours" in action.why for action in planned(server, OURS[:2]).actions)
    assert kinds(planned(server, OURS[:2], overwrite_edits=True)) == {"update": 2}


def test_a_provisioned_dashboard_is_refused_whatever_is_told(server: GrafanaStandIn) -> None:
    """Grafana would refuse the save; the plan says so before anything is done."""
    server.put({"uid": "board-00", "title": "From a file"}, provisioned=True)
    action = only(planned(server, OURS[:1], overwrite_edits=True))

    assert action.kind == "refused"
    assert "provisioned" in action.why


def test_a_dashboard_in_another_folder_is_moved(server: GrafanaStandIn) -> None:
    """That is an update of its own, without a change of content."""
    pushed(server, OURS[:1])
    server.move("board-00", "elsewhere")
    action = only(planned(server, OURS[:1]))
    push(planned(server, OURS[:1]), client(server), commit=COMMIT)

    assert (action.kind, action.changes, action.moved_from) == ("update", (), "elsewhere")
    assert server.places["board-00"] == folder_uid("Operations")
    assert not planned(server, OURS[:1]).differs


def test_the_root_needs_no_folder(server: GrafanaStandIn) -> None:
    """Grafana calls it General, and no folder of that name can be made."""
    for title in ("", "General"):
        settings = DashboardSettings(folder=title)
        push(plan(OURS[:1], client(server), settings, prune=False), client(server), commit="")

        assert server.places == {"board-00": ""}
        assert not plan(OURS[:1], client(server), settings, prune=False).differs


def test_prune_deletes_what_left_and_nothing_else(server: GrafanaStandIn) -> None:
    """Not the unmarked, not a copy that kept the tag, not what a file provides; without --prune nothing."""
    pushed(server, OURS)
    server.put({"uid": "theirs", "title": "Theirs"})
    server.put({**server.models["board-03"], "uid": "copy", "title": "Copy"}, folder_uid=FOLDER, message="for my team")
    server.put({"uid": "file", "title": "File", **MARKED}, folder_uid=FOLDER, provisioned=True)

    assert kinds(planned(server, OURS[:9], prune=False)) == {"unchanged": 9}
    found = planned(server, OURS[:9])
    outcome = push(found, client(server), commit=COMMIT)

    assert [(action.kind, action.uid) for action in outcome.done] == [("delete", f"board-{n:02}") for n in (9, 10, 11)]
    assert {action.uid: action.foreign for action in found.of_kind("refused")} == {"copy": True, "file": True}
    assert set(server.models) == {*(f"board-{n:02}" for n in range(9)), "theirs", "copy", "file"}
    assert not planned(server, OURS[:9]).differs


def test_a_copy_is_not_deleted_even_when_edits_are_overwritten(one: GrafanaStandIn) -> None:
    """Whoever gives up edits does not give up other people's dashboards."""
    pushed(one, OURS[:1])
    one.put({**one.models["board-00"], "uid": "copy", "title": "Copy"}, folder_uid=FOLDER)

    assert only(planned(one, OURS[:1], overwrite_edits=True)).kind == "refused"


def test_prune_beyond_its_limit_deletes_nothing(one: GrafanaStandIn) -> None:
    """A stale checkout would wipe newer dashboards; the limit is said, and how to raise it."""
    pushed(one, OURS)
    found = planned(one, OURS[:6])
    outcome = push(found, client(one), commit=COMMIT)

    assert kinds(found) == {"unchanged": 6, "refused": 6}
    assert all("--prune-limit 6" in action.why for action in found.of_kind("refused"))
    assert outcome.done == ()
    assert len(one.models) == 12
    assert kinds(planned(one, OURS[:6], prune_limit=6)) == {"unchanged": 6, "delete": 6}


def test_an_empty_folder_prunes_nothing(one: GrafanaStandIn) -> None:
    """No definition at all is a wrong folder, not a wish."""
    pushed(one, OURS[:1])

    assert "is this the right folder" in only(planned(one, [], prune_limit=100)).why


def test_an_edited_dashboard_is_not_deleted_unless_told(one: GrafanaStandIn) -> None:
    """Somebody works with it."""
    pushed(one, OURS[:2])
    one.edit_in_ui("board-01", refuse, by="ann")

    assert "edited in Grafana by ann" in only(planned(one, OURS[:1])).why
    assert only(planned(one, OURS[:1], overwrite_edits=True)).kind == "delete"


def test_what_was_saved_after_the_plan_is_neither_overwritten_nor_deleted(server: GrafanaStandIn) -> None:
    """412 of a save, and a look before each deletion."""
    pushed(server, OURS[:3])
    found = planned(server, [OURS[0], definition(1, description="new")])
    gone = planned(server, OURS[:2])
    server.edit_in_ui("board-01", refuse)
    server.edit_in_ui("board-02", refuse)
    outcome, later = push(found, client(server), commit=COMMIT), push(gone, client(server), commit=COMMIT)

    assert [(r.action.uid, r.reason) for r in outcome.failed] == [
        ("board-01", "it was changed meanwhile: run obskit dashboards diff again")
    ]
    assert [r.action.uid for r in outcome.not_done] == ["board-02"]  # deletions wait for all else
    assert [r.action.uid for r in later.failed] == ["board-02"]
    assert server.models["board-01"]["panels"][0]["targets"][0]["expr"] == "edited_by_hand"
    assert "board-02" in server.models


def test_what_was_created_meanwhile_is_not_overwritten(one: GrafanaStandIn) -> None:
    """A create meets somebody else's of the same uid."""
    found = planned(one, OURS[:1])
    one.put({"uid": "board-00", "title": "Somebody's"})

    assert [r.action.uid for r in push(found, client(one), commit=COMMIT).failed] == ["board-00"]
    assert one.models["board-00"]["title"] == "Somebody's"


def test_a_title_that_is_taken_fails_that_dashboard_only(one: GrafanaStandIn) -> None:
    """Before Grafana 11.6 a folder holds each title once."""
    one.put({"uid": "other", "title": "Board 0"}, folder_uid=folder_uid("Operations"))
    outcome = pushed(one, OURS[:2])

    assert [r.action.uid for r in outcome.failed] == ["board-00"]
    assert [action.uid for action in outcome.done] == ["board-01"]
    assert "title" in outcome.failed[0].reason


def test_a_failure_of_one_leaves_the_others_and_the_next_run_does_it(server: GrafanaStandIn) -> None:
    """A 500 for a single save; nothing is deleted that time."""
    pushed(server, OURS)
    wanted = [definition(n, description="new") for n in range(10)]
    found = planned(server, wanted)
    server.fail_next(1, 500, methods=("POST",))
    outcome = push(found, client(server), commit=COMMIT)

    assert len(outcome.failed) == 1
    assert len(outcome.done) == 9
    assert {r.action.kind for r in outcome.not_done} == {"delete"}
    assert len(server.models) == 12
    assert sorted(action.kind for action in pushed(server, wanted).done) == ["delete", "delete", "update"]
    assert not planned(server, wanted).differs


@pytest.mark.parametrize("status", [401, 403])
def test_without_the_right_nothing_more_is_begun(one: GrafanaStandIn, status: int) -> None:
    """Every other request would meet the same; the reason says what is missing."""
    found = planned(one, OURS)
    one.fail_next(100, status, methods=WRITES)
    outcome = push(found, client(one), commit=COMMIT)

    assert outcome.done == ()
    assert len(outcome.failed) + len(outcome.not_done) == 12
    assert "token" in outcome.failed[0].reason
    assert len(one.writes()) == 1  # the folder


def test_a_viewers_token_is_told_so(one: GrafanaStandIn) -> None:
    """It may read an empty Grafana, and write nothing."""
    found = plan(OURS[:2], client(one, one.viewer_token), SETTINGS, prune=False)
    outcome = push(found, client(one, one.viewer_token), commit=COMMIT)

    assert len(outcome.failed) == 2
    assert one.models == {}


def test_what_cannot_be_read_gives_no_plan(one: GrafanaStandIn) -> None:
    """A plan over half of what is there would create what exists and delete what does not."""
    one.fail_next(3, 500, methods=("GET",))

    with pytest.raises(SourceError):
        planned(one, OURS)


def changed_world(server: GrafanaStandIn) -> list[Definition]:
    """Leave a Grafana in which a push has everything to do, and return the definitions."""
    pushed(server, OURS[:5])
    server.move("board-01", "elsewhere")
    return [OURS[0], OURS[1], definition(2, description="new"), definition(8), definition(9)]


@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("k", range(1, 14))
def test_killed_at_any_write_into_an_empty_grafana_the_next_push_converges(
    one: GrafanaStandIn, k: int, applied: bool
) -> None:
    """The connection goes for good at the k-th change, before or after Grafana made it."""
    one.die_at_call(k, applied, methods=WRITES, stays_down=True)
    outcome = pushed(one, OURS)
    one.down = False
    second = pushed(one, OURS)

    assert outcome.failed
    assert len(outcome.done) + len(outcome.failed) + len(outcome.not_done) == 12
    assert second.failed == second.not_done == ()
    assert len(one.models) == 12
    assert not planned(one, OURS).differs


@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("k", range(1, 7))
def test_killed_at_any_write_of_a_push_of_all_kinds_the_next_one_converges(
    one: GrafanaStandIn, k: int, applied: bool
) -> None:
    """Creations, an update, a move and deletions."""
    wanted = changed_world(one)
    one.die_at_call(k, applied, methods=WRITES, stays_down=True)
    first = pushed(one, wanted)
    one.down = False
    second = pushed(one, wanted)

    assert first.failed
    assert second.failed == second.not_done == ()
    assert sorted(one.models) == [d.uid for d in wanted]
    assert not planned(one, wanted).differs


@pytest.mark.parametrize("k", range(1, 12, 2))
def test_killed_at_any_read_nothing_is_half_done(one: GrafanaStandIn, k: int) -> None:
    """Without a plan nothing is written; the next run starts from what is there."""
    wanted = changed_world(one)
    before = len(one.writes())
    one.die_at_call(k, applied=True, methods=("GET",), stays_down=True)
    with pytest.raises(SourceError):
        planned(one, wanted)
    one.down = False

    assert len(one.writes()) == before
    assert pushed(one, wanted).failed == ()
    assert not planned(one, wanted).differs


def test_progress_is_told_of_each_that_was_done(one: GrafanaStandIn) -> None:
    """In the caller's thread, as it is done."""
    told: list[str] = []
    outcome = push(planned(one, OURS), client(one), commit=COMMIT, progress=lambda action: told.append(action.uid))

    assert sorted(told) == [action.uid for action in outcome.done]


def test_whoever_interrupts_it_can_run_it_again(one: GrafanaStandIn) -> None:
    """Ctrl-C in the midst: what is under way is finished, nothing more is begun, the next push converges."""

    def interrupt(_: Action) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        push(planned(one, OURS), client(one), commit=COMMIT, progress=interrupt)
    assert 0 < len(one.models) <= 12
    assert pushed(one, OURS).failed == ()
    assert not planned(one, OURS).differs


@pytest.mark.parametrize(
    "definitions", [[definition(1), definition(1)], [definition(1, uid="")]], ids=["twice", "without"]
)
def test_uids_must_be_ones(one: GrafanaStandIn, definitions: list[Definition]) -> None:
    """Two of the same would overwrite each other at every push."""
    with pytest.raises(UsageError):
        planned(one, definitions)


def test_a_renamed_folder_of_ours_is_still_ours(one: GrafanaStandIn) -> None:
    """Grafana keeps its uid; a second folder is not made, and the push converges."""
    one.put({"uid": "x", "title": "x"}, folder_uid=folder_uid("Operations"))  # the stand-in titles it by its uid
    pushed(one, OURS[:1])

    assert one.places["board-00"] == folder_uid("Operations")
    assert not planned(one, OURS[:1]).differs


@given(st.text(max_size=80))
def test_a_folders_uid_is_stable_and_one_that_grafana_takes(title: str) -> None:
    """At most 40 of letters, digits and dashes, whatever the title."""
    uid = folder_uid(title)

    assert uid == folder_uid(title)
    assert len(uid) <= 40
    assert all(c in "abcdefghijklmnopqrstuvwxyz0123456789-" for c in uid)
    assert uid or title == ""


@given(st.lists(st.text(max_size=5)), st.sampled_from(["obskit", "ours"]))
def test_the_mark_is_there_once(tags: list[str], mark: str) -> None:
    """Marked again it is the same, and no tag is lost."""
    model = marked({"uid": "u", "tags": tags}, mark)

    assert marked(model, mark) == model
    assert set(model["tags"]) == {*tags, mark}
    assert canonical(model)["tags"] == model["tags"]
