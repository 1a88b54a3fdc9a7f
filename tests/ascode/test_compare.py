"""A difference names its place so that a person finds it, and shows nothing that is nobody's business."""

from __future__ import annotations

import copy
import json
import time

from hypothesis import given
from hypothesis import strategies as st

from obskit.ascode.canonical import canonical
from obskit.ascode.compare import HIDDEN, MOST_CHARACTERS, Change, as_json, differences, render, touch
from obskit.ascode.definition import Model


def board(**more: object) -> Model:
    """Return a dashboard with a folded row, a panel of its own, and two variables."""
    inside = {"id": 5, "type": "stat", "title": "Errors", "targets": [{"refId": "A", "expr": "errors"}]}
    return {
        "uid": "u",
        "title": "Incident",
        "templating": {"list": [{"name": "service", "type": "query", "query": "a"}, {"name": "task", "type": "query"}]},
        "panels": [
            {"id": 1, "type": "row", "title": "Users", "collapsed": True, "panels": [inside]},
            {"id": 7, "type": "timeseries", "title": "Latency", "targets": [{"refId": "A", "expr": "rate(x[5m])"}]},
        ],
        **more,
    }


def paths(old: Model, new: Model) -> list[str]:
    """Return the paths of what differs."""
    return [change.path for change in differences(old, new)]


def test_a_changed_query_is_one_line_with_what_was_and_what_is() -> None:
    """The path names panel and letter, not positions in a file."""
    new = board()
    new["panels"][1]["targets"][0]["expr"] = "rate(x[1m])"

    assert render(differences(board(), new)) == [
        "~ panels[Latency].targets[A].expr",
        "  - rate(x[5m])",
        "  + rate(x[1m])",
    ]


def test_panels_are_told_by_their_id() -> None:
    """A panel put in front of another changes nothing of the other, and a retitled one stays itself."""
    new = board()
    new["panels"].insert(0, {"id": 9, "type": "stat", "title": "New"})
    new["panels"][2]["title"] = "Latency p95"

    assert sorted(paths(board(), new)) == ["panels[Latency].title", "panels[New]"]


def test_a_row_that_is_unfolded_changes_no_panel() -> None:
    """Folding moves panels into the row's own list; what they show is the same."""
    new = board()
    new["panels"][0]["collapsed"] = False
    new["panels"].append(new["panels"][0].pop("panels")[0])

    assert paths(board(), new) == ["panels[Users].collapsed", "panels[Users].panels"]


def test_panels_of_one_title_are_told_apart() -> None:
    """Two panels may be called the same; the id then stands beside the title."""
    old, new = ({"panels": [{"id": n, "title": "Twin", "description": text} for n in (1, 2)]} for text in ("a", "b"))

    assert paths(old, new) == ["panels[Twin #1].description", "panels[Twin #2].description"]


def test_names_that_repeat_lose_nothing() -> None:
    """A broken dashboard may use a letter thrice; each of its queries is still compared."""
    old, new = (
        {"panels": [{"id": 1, "title": "P", "targets": [{"refId": "A", "expr": e} for e in queries]}]}
        for queries in ("xyz", "xyw")
    )

    assert paths(old, new) == ["panels[P].targets[A (3)].expr"]


def test_the_order_of_variables_is_seen() -> None:
    """It is the order in which a person sees them; that of panels is said by their places."""
    new = board()
    new["templating"]["list"].reverse()
    new["panels"].reverse()

    assert differences(board(), new) == (
        Change(path="templating.order", kind="changed", old=["service", "task"], new=["task", "service"]),
    )


def test_what_is_new_or_gone_is_said_with_its_content() -> None:
    """The three kinds have their signs, and JSON carries only the values that there are."""
    new = board(description="Triage")
    del new["panels"][1]
    changes = differences(board(), new)

    assert render(changes)[:3] == ["+ description", "  + Triage", "- panels[Latency]"]
    assert [sorted(document) for document in as_json(changes)] == [["kind", "new", "path"], ["kind", "old", "path"]]
    assert json.loads(json.dumps(as_json(changes)))[0] == {"path": "description", "kind": "added", "new": "Triage"}


def test_no_secret_leaves_a_dashboard() -> None:
    """Not by a key's name, a variable's name, nor inside an address."""
    old, new = (
        {
            "links": [{"title": "Db", "url": f"postgres://app:{secret}@db.example/x"}],
            "templating": {"list": [{"name": "api_token", "type": "constant", "query": secret}]},
            "panels": [{"id": 1, "title": "P", "options": {"password": secret, "headers": {"Authorization": secret}}}],
        }
        for secret in ("hunter2-first", "hunter2-second")
    )
    changes = differences(old, new)
    added = differences({}, new)

    assert len(changes) == 4
    assert "hunter2" not in "\n".join(render(changes)) + json.dumps(as_json(changes)) + repr(changes)
    assert "hunter2" not in "\n".join(render(added)) + json.dumps(as_json(added))
    assert HIDDEN in json.dumps(as_json(added))
    assert render(changes)[1] == "  (what differs is not shown)"


def test_hostile_text_steers_no_terminal() -> None:
    """Titles and values come from whoever may edit a dashboard."""
    new = board()
    new["panels"][1] |= {"title": "\x1b[2JGone\u202e", "description": "a\x1b]0;owned\x07b"}
    printed = "\n".join(render(differences(board(panels=[]), new)))

    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert "\x07" not in printed


def test_a_long_value_is_folded_around_what_differs() -> None:
    """The place that changed is what is shown, not the first characters, which are the same."""
    old, new = ({"description": "x" * 3000 + word + "y" * 3000} for word in ("BEFORE", "AFTERWARDS"))
    path, was, now = render(differences(old, new))

    assert path == "~ description"
    assert "BEFORE" in was
    assert "AFTERWARDS" in now
    assert max(len(was), len(now)) < MOST_CHARACTERS + 10


def test_a_long_query_shows_the_lines_that_differ() -> None:
    """Of forty alternatives one changed."""
    lines = [f"rate(variant_{n}_total[5m])" for n in range(40)]
    old, new = ({"description": "\nor\n".join(text)} for text in (lines, [*lines[:20], "other", *lines[21:]]))
    shown = render(differences(old, new))

    assert "  - rate(variant_20_total[5m])" in shown
    assert "  + other" in shown
    assert len(shown) == 5


def test_places_touch_by_id_whatever_the_titles() -> None:
    """A panel that was retitled in the UI is found again where the repository's title would come back."""
    base, remote = board(), board()
    remote["panels"][1]["title"] = "Renamed by hand"
    local = copy.deepcopy(base)
    edits, changes = differences(base, remote), differences(remote, local)

    assert touch(edits, changes) == edits
    assert touch(edits, differences(remote, {**copy.deepcopy(remote), "description": "new"})) == ()


PANEL = st.fixed_dictionaries(
    {"id": st.integers(1, 6), "title": st.sampled_from("AB"), "type": st.just("stat")},
    optional={
        "description": st.sampled_from(["", "x", "y"]),
        "gridPos": st.fixed_dictionaries({"x": st.integers(0, 2), "y": st.integers(0, 2)}),
        "targets": st.lists(st.fixed_dictionaries({"refId": st.sampled_from("AB"), "expr": st.sampled_from("xy")})),
    },
)
BOARD = st.fixed_dictionaries(
    {"panels": st.lists(PANEL, max_size=4, unique_by=lambda panel: panel["id"])},
    optional={
        "templating": st.fixed_dictionaries(
            {"list": st.lists(st.fixed_dictionaries({"name": st.sampled_from("abc"), "label": st.sampled_from("xy")}))}
        )
    },
)


@given(BOARD, BOARD)
def test_two_dashboards_differ_exactly_when_their_canonical_forms_do(old: Model, new: Model) -> None:
    """Nothing that is left after the noise escapes the comparison, and nothing is made up."""
    assert (differences(old, new) == ()) == (canonical(old) == canonical(new))


@given(BOARD, BOARD)
def test_the_way_back_touches_the_same_places(old: Model, new: Model) -> None:
    """What was added one way is removed the other way."""
    turn = {"added": "removed", "removed": "added", "changed": "changed"}
    there, back = differences(old, new), differences(new, old)

    assert sorted((c.at, turn[c.kind]) for c in there) == sorted((c.at, c.kind) for c in back)


def test_a_long_line_of_several_is_cut_around_what_differs() -> None:
    """Two lines that read alike say nothing."""
    old = {"title": "t", "panels": [], "description": f"first\n{'a' * 500}\nlast"}
    new = {**old, "description": f"first\n{'a' * 500}b\nlast"}

    lines = render(differences(old, new))

    assert [line.strip()[-1] for line in lines if line.strip().startswith("+")] == ["b"]


def test_twenty_thousand_panels_of_one_id_are_compared_in_no_time() -> None:
    """Their number is whoever's who may save a dashboard; the time must not grow with its square."""
    panels = [{"id": 1, "type": "text", "title": f"T{n}"} for n in range(20_000)]
    start = time.process_time()
    changes = differences({"panels": []}, {"panels": panels})
    touched = touch(changes, changes)

    assert len(changes) == len(touched) == 20_000
    assert time.process_time() - start < 20  # some 2 s; in the square of it, 100


def test_repeated_names_that_look_like_ours_are_still_told_apart() -> None:
    """Who calls a variable "a (2)" does not hide another."""
    names = ["a", "a (2)", "a", "a", "a (2)"]
    variables = [{"name": name, "type": "custom", "query": str(n)} for n, name in enumerate(names)]

    assert len(differences({}, {"templating": {"list": variables}})) == 5


@given(BOARD, BOARD, BOARD)
def test_touching_is_lying_on_one_branch(old: Model, new: Model, other: Model) -> None:
    """Said the slow way: one place begins as the other does."""
    some, others = differences(old, new), differences(new, other)
    slow = tuple(c for c in some if any(c.at[: len(o.at)] == o.at[: len(c.at)] for o in others))

    assert touch(some, others) == slow


def test_what_lies_in_a_row_may_be_anything() -> None:
    """A server may send it; it is a difference like another."""
    old = {"title": "t", "panels": [{"type": "row", "panels": False}]}

    assert differences(old, old) == ()
    assert differences(old, {**old, "panels": []})
