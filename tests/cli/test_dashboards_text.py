"""How ``obskit dashboards …`` words what it found: nothing steers a terminal, and marks stand where they should."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.ascode.check import Result, all_checks
from obskit.ascode.compare import differences
from obskit.ascode.definition import Problem
from obskit.ascode.plan import Action, Plan
from obskit.ascode.pull import Match
from obskit.ascode.push import Outcome
from obskit.ascode.push import Result as NotDone
from obskit.cli import dashboards_text as words
from obskit.errors import SourceError
from obskit.escape import clean
from obskit.files import State
from tests.support.hostile import HOSTILE

#: What a terminal obeys, what reorders or hides what a person reads, and what cannot be written as UTF-8.
STEERS = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ud800-\udfff]"
)

PROBLEM = Problem(check="promql", message="it is wrong", file="dashboards/x.dashboard.py", line=3)
NOTHING = Result(problems=(), skipped=(), failed=(), made=())
ACTION = Action(kind="update", uid="obskit-x", title="X", folder="obskit")
#: Characters that stand for themselves on a terminal, one column each.
PLAIN = st.characters(min_codepoint=32, max_codepoint=126)
#: Problems whose every text is anything; the check's name is ours.
ANY_PROBLEM = st.builds(
    replace, st.just(PROBLEM), **{f.name: st.text() for f in fields(Problem) if f.type == "str" and f.name != "check"}
)


def hostile_change(**more: object) -> Action:
    """Return an action that carries hostile text wherever somebody else could have written it."""
    old = {"title": "X", "panels": [{"id": 1, "title": HOSTILE, "description": "calm", HOSTILE: 1}]}
    new = {"title": HOSTILE, "panels": [{"id": 1, "title": HOSTILE, "description": HOSTILE, HOSTILE: HOSTILE}]}
    found = differences(old, new)
    hostile = Action(
        kind="update",
        uid=HOSTILE,
        title=HOSTILE,
        folder=HOSTILE,
        changes=found,
        edits=found,
        edited_by=(HOSTILE,),
        moved_from=HOSTILE,
        why=HOSTILE,
    )
    return replace(hostile, **more)  # type: ignore[arg-type]


# ------------------------------------------------------------------------- nothing steers


def test_a_hostile_problem_is_four_calm_lines() -> None:
    """File, panel, query and hint keep to their own lines."""
    problem = Problem(check="x", message=HOSTILE, file=HOSTILE, line=1, panel=HOSTILE, query=HOSTILE, hint=HOSTILE)

    text = words.of_problems([problem])

    assert not STEERS.search(text)
    assert [line[:10] for line in text.splitlines()[1:]] == ["  panel:  ", "  query:  ", "  try:    "]


def test_why_a_check_was_not_made_is_harmless() -> None:
    """It may hold what a program said, or a server."""
    result = replace(NOTHING, skipped=(("logql", HOSTILE),), failed=(("live-data", HOSTILE),))

    text = words.of_result(result, excluded=0)

    assert not STEERS.search(text)
    assert len(text.splitlines()) == 3


@pytest.mark.parametrize("kind", ["create", "update", "delete", "refused"])
@pytest.mark.parametrize("markdown", [False, True])
def test_a_plan_of_hostile_dashboards_is_harmless(kind: str, markdown: bool) -> None:
    """Titles, folders, names and values come from Grafana, where anybody may have written them."""
    text = words.of_plan(Plan(actions=(hostile_change(kind=kind),)), markdown=markdown)

    assert not STEERS.search(text)
    assert text.count("```") == (2 if markdown else text.count("```"))


def test_no_line_of_hostile_values_looks_like_another_dashboard() -> None:
    """What begins a line at its very start is an action, the total, or nothing that others wrote."""
    values = [line for line in words.of_plan(Plan(actions=(hostile_change(why=""),))).splitlines() if line[:1] != " "]

    assert len(values) == 2
    assert values[0].startswith("~ update ")
    assert values[1] == "0 to create, 1 to update, 0 unchanged"


def test_an_outcome_with_hostile_reasons_is_a_line_each() -> None:
    """A server's words cannot add a line that says that something was done."""
    action = hostile_change()
    outcome = Outcome(
        done=(action,),
        failed=(NotDone(action=action, reason=HOSTILE),),
        not_done=(NotDone(action=action, reason=HOSTILE),),
    )

    text = words.of_outcome(outcome)

    assert not STEERS.search(text)
    assert [line.split()[0] for line in text.splitlines()] == ["updated", "failed", "not", "1", "run"]


def test_matches_with_hostile_panels_are_a_line_each() -> None:
    """Panels of a dashboard that is pulled are somebody else's."""
    text = words.of_matches([Match(panel=HOSTILE, ref=HOSTILE, signal_id="", how="none")])

    assert not STEERS.search(text)
    assert len(text.splitlines()) == 2


@given(ANY_PROBLEM)
def test_no_text_of_a_problem_steers_or_breaks_out(problem: Problem) -> None:
    """Whatever stands in it; the query without a place in it."""
    text = words.of_problems([problem])

    assert not STEERS.search(text)
    assert text.count("\n") == sum(map(bool, (problem.panel, problem.query, problem.hint)))


# --------------------------------------------------------------------- where the mark stands


def shown_and_marked(query: str, column: int) -> tuple[str, str, str]:
    """Return the line of the query as shown, its mark's line up to the mark, and what follows that."""
    first, shown, mark = words.of_problems([replace(PROBLEM, query=query, column=column)]).split("\n")
    assert first.endswith("[promql]")
    blank, sign, rest = mark.partition("^")
    assert sign == "^"
    assert blank.strip() == ""
    return shown, blank, rest


@given(st.lists(st.text(PLAIN, min_size=1, max_size=400), min_size=1, max_size=5), st.data())
def test_the_mark_stands_under_the_character_that_the_column_names(lines: list[str], data: st.DataObject) -> None:
    """Of long lines and of many: what is shown is the column's line, cut around it."""
    query = "\n".join(lines)
    places = [at for at, sign in enumerate(query) if not sign.isspace()]
    column = 1 + (data.draw(st.sampled_from(places)) if places else 0)

    shown, blank, rest = shown_and_marked(query, column)

    assert rest == f" column {column}"
    assert len(shown) <= len("  query:  …") + words.MOST_OF_A_QUERY
    if places:
        assert shown[len(blank)] == query[column - 1]


@pytest.mark.parametrize(
    ("query", "column", "shown", "mark"),
    [
        ("sum(up", 7, "  query:  sum(up", "                ^ column 7"),
        ("sum(up))", 8, "  query:  sum(up))", "                 ^ column 8"),
        ("sum(\n  rate(up)\n)", 13, "  query:    rate(up)", "                 ^ column 13"),
        ("a\n\nb", 3, "  query:  ", "          ^ column 3"),
        ("", 0, None, None),
        ("up", 0, "  query:  up", None),
        ("up\nor\nvector(0)", 0, "  query:  up … and 2 more lines", None),
    ],
)
def test_the_mark_by_example(query: str, column: int, shown: str | None, mark: str | None) -> None:
    """At the end, inside a line, on an empty line; without a column there is no mark."""
    lines = words.of_problems([replace(PROBLEM, query=query, column=column)]).split("\n")

    assert lines[1:] == [line for line in (shown, mark) if line is not None]


def test_a_long_line_is_cut_on_both_sides_of_the_place() -> None:
    """What is wrong stays in sight, with as much before it as after it."""
    query = "a" * 500 + "!" + "b" * 500

    shown, blank, _ = shown_and_marked(query, 501)

    half = words.MOST_OF_A_QUERY // 2
    assert shown == f"  query:  …{'a' * half}!{'b' * (half - 1)}"
    assert shown[len(blank)] == "!"


def test_a_long_query_without_a_place_is_cut_at_its_end() -> None:
    """And says that it goes on."""
    text = words.of_problems([replace(PROBLEM, query="x" * 500)])

    assert text.splitlines()[1] == f"  query:  {'x' * words.MOST_OF_A_QUERY}…"


# ------------------------------------------------------------------- annotations and counts


@given(ANY_PROBLEM)
def test_a_problem_is_one_workflow_command_whatever_it_holds(problem: Problem) -> None:
    """GitHub reads back exactly what was meant: nothing ends a property or a command early."""
    text = words.workflow_commands(_result(problem))

    command, _, rest = text.removesuffix("\n").removeprefix("::").partition("::")
    kind, _, given_properties = command.partition(" ")
    properties = dict(part.partition("=")[::2] for part in given_properties.split(","))
    assert text.endswith("\n")
    assert "\n" not in text[:-1]
    assert "\r" not in text
    assert kind == problem.severity
    assert {key: decoded(value) for key, value in properties.items()} == {
        "file": problem.file,
        "line": "3",
        "title": problem.check,
    }
    parts = (problem.message, problem.panel, problem.query, problem.hint)
    assert decoded(rest) == " | ".join(part for part in parts if part)


def _result(*problems: Problem) -> Result:
    return Result(problems=problems, skipped=(), failed=(), made=())


def test_a_check_that_was_not_made_is_told_to_github() -> None:
    """Silence would read as "all is well"."""
    result = Result(problems=(), skipped=(("logql", "no npm"),), failed=(("live-data", "it is gone"),), made=())

    assert words.workflow_commands(result).splitlines() == [
        "::warning title=not checked::logql: no npm",
        "::error title=failed::live-data: it is gone",
    ]


def decoded(text: str) -> str:
    """Return what GitHub's runner makes of escaped text."""
    for escaped in ("%0D", "%0A", "%3A", "%2C"):
        text = text.replace(escaped, unquote(escaped))
    return text.replace("%25", "%")


def test_a_problem_of_the_whole_file_is_marked_on_its_first_line() -> None:
    """GitHub shows no annotation on line 0."""
    assert ",line=1," in words.workflow_commands(_result(replace(PROBLEM, line=0)))


def test_the_last_line_counts() -> None:
    """Errors, warnings, what is excluded, and how many checks were made."""
    problems = (PROBLEM, replace(PROBLEM, severity="warning"), replace(PROBLEM, severity="warning", line=4))

    text = words.of_result(replace(NOTHING, problems=problems, made=("promql", "logql")), excluded=2)

    assert text.splitlines()[-1] == "1 error, 2 warnings, 2 excluded with a reason; 2 checks made"


def test_checks_that_were_skipped_for_one_reason_are_one_line() -> None:
    """Four lines that say the same hide the fifth."""
    skipped = (("live-data", "no server"), ("logql", "no node"), ("live-cost", "no server"))

    lines = words.of_result(replace(NOTHING, skipped=skipped), excluded=0).splitlines()

    assert lines[:2] == ["not checked: live-data, live-cost: no server", "not checked: logql: no node"]


def test_the_list_of_checks_is_one_line_each() -> None:
    """A name, and the sentence that its page begins with."""
    some: dict[str, ModuleType] = all_checks()

    lines = words.of_checks(some).splitlines()

    assert [line.split()[0] for line in lines] == list(some)
    assert all(line.endswith(".") for line in lines)


def test_files_are_counted_and_what_changed_is_told() -> None:
    """Also where there is only one."""
    written: list[tuple[Path, State]] = [(Path("out/x.json"), "wrote"), (Path("out/y.json"), "removed")]

    assert words.of_files(written, "dashboard") == "wrote   out/x.json\nremoved out/y.json\n1 dashboard, 2 changed"


def test_what_is_unchanged_is_only_counted() -> None:
    """A plan of two hundred is read for its differences."""
    text = words.of_plan(Plan(actions=(replace(ACTION, kind="unchanged"), replace(ACTION, kind="create"))))

    assert text == "+ create obskit-x X in obskit\n1 to create, 0 to update, 1 unchanged"


def test_the_documents_are_plain_data() -> None:
    """What was planned and what came of it, for a tool; whole models are in the repository and in Grafana."""
    edited = replace(ACTION, changes=differences({"title": "Y"}, {"title": "X"}), model={"title": "X"}, version=3)
    missed = replace(ACTION, uid="obskit-y", kind="delete")

    document = words.outcome_document(
        Plan(actions=(edited, missed)),
        Outcome(done=(edited,), failed=(), not_done=(NotDone(action=missed, reason="not begun"),)),
    )

    first = document["actions"][0]
    assert json.loads(json.dumps(document)) == document
    assert document["differs"] is True
    assert first["changes"] == [{"path": "title", "kind": "changed", "old": "Y", "new": "X"}]
    assert not {"model", "version"} & set(first)
    assert (document["done"], document["failed"]) == (["obskit-x"], [])
    assert document["not_done"] == [{"uid": "obskit-y", "reason": "not begun"}]


def test_where_a_dashboard_was_and_who_edited_it_is_told() -> None:
    """A move is a difference, too; and the one to ask has a name."""
    edits = differences({"title": "X"}, {"title": "Y"})
    moved = replace(ACTION, moved_from="Elsewhere", edits=edits, edited_by=("ann", "bo"), why="it was edited")

    lines = words.of_plan(Plan(actions=(moved,))).splitlines()

    assert lines[:3] == [
        "~ update obskit-x X in obskit, moved from Elsewhere",
        "    it was edited",
        "    edited in Grafana by ann, bo:",
    ]


def test_hostile_text_is_hostile() -> None:
    """Or the tests above would hold of anything."""
    assert STEERS.search(HOSTILE)
    assert "\n" in HOSTILE
    assert not STEERS.search(clean(HOSTILE))


@given(st.text(min_size=1), st.data())
def test_a_marked_query_is_one_line_and_its_mark(query: str, data: st.DataObject) -> None:
    """Line ends of any kind, and whatever steers, stay inside."""
    column = data.draw(st.integers(1, len(query) + 1))
    text = words.of_problems([replace(PROBLEM, query=query, column=column)])

    assert not STEERS.search(text)
    assert text.count("\n") == 2


@pytest.mark.parametrize(("query", "column"), [("\tsum(up", 6), ("up ! x", 3)])
def test_the_mark_stands_right_beside_blanks_and_tabs(query: str, column: int) -> None:
    """A tab is as wide as the terminal likes: it becomes a blank."""
    shown, mark = words.of_problems([replace(PROBLEM, query=query, column=column)]).split("\n")[1:3]

    assert "\t" not in shown
    assert (shown + " ")[mark.index("^")] == query[column - 1]


def test_paths_are_cleaned() -> None:
    """A file's name is somebody's text too."""
    assert not STEERS.search(words.of_files([(Path(HOSTILE[:60]), "wrote")], "dashboard"))


def test_a_server_that_failed_is_told_in_the_usual_lines() -> None:
    """Once for all checks that needed it; GitHub shows a line, and gets one."""
    where = {"at": "http://p:9090/api", "said": "connection refused"}
    why = str(SourceError("Prometheus could not be reached", where=where, hint="run: obskit doctor"))
    result = Result(problems=(), skipped=(), failed=(("live-cost", why), ("live-data", why)), made=())

    assert words.of_result(result, 0).splitlines()[:-1] == [
        "failed: live-cost, live-data: Prometheus could not be reached",
        "  at:   http://p:9090/api",
        "  said: connection refused",
        "  try:  run: obskit doctor",
    ]
    assert (
        "live-cost, live-data: Prometheus could not be reached; at: http://p:9090/api; said: connection refused; "
        in words.workflow_commands(result)
    )
