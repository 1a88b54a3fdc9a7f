"""Exclusions: how they are read, what they hide, and when they are of no use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.ascode.definition import Problem
from obskit.ascode.exclusions import CHECK, Exclusion, apply, read, unused
from obskit.errors import UsageError

GOOD = """\
[[exclude]]
check = "target-job"
dashboard = "*"
reason = "tasks are told apart by service"

# A budget is over 30 days, whatever is shown.
[[exclude]]
check = "target-rate-interval"
dashboard = "slo"
panel = "Error budget"
reason = "a budget is over 30 days"
"""


def problem(check: str = "target-job", name: str = "slo", panel: str = "") -> Problem:
    """Return a problem of a definition."""
    return Problem(check=check, message="wrong", file=f"dashboards/{name}.dashboard.py", panel=panel)


def exclusion(check: str = "target-job", dashboard: str = "slo", panel: str = "") -> Exclusion:
    """Return an exclusion with a reason."""
    return Exclusion(check=check, dashboard=dashboard, panel=panel, reason="because", file="checks.toml", line=3)


def written(folder: Path, text: str) -> Path:
    """Return a file that holds the text."""
    path = folder / "checks.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_is_read_with_the_lines_of_its_exclusions(tmp_path: Path) -> None:
    """Each exclusion knows where it stands, so that a problem of it can say so."""
    path = written(tmp_path, GOOD)

    assert read(path) == (
        Exclusion(
            check="target-job",
            dashboard="*",
            reason="tasks are told apart by service",
            file=str(path),
            line=1,
        ),
        Exclusion(
            check="target-rate-interval",
            dashboard="slo",
            panel="Error budget",
            reason="a budget is over 30 days",
            file=str(path),
            line=7,
        ),
    )


def test_without_a_file_nothing_is_excluded(tmp_path: Path) -> None:
    """A project needs none."""
    assert read(tmp_path / "checks.toml") == ()


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "exclude = []\n"])
def test_a_file_may_be_empty(text: str, tmp_path: Path) -> None:
    """The last exclusion goes, and the file may stay."""
    assert read(written(tmp_path, text)) == ()


def test_exclusions_written_inline_have_no_line(tmp_path: Path) -> None:
    """TOML has another spelling of the same; its lines are not guessed."""
    text = 'exclude = [{check = "promql", dashboard = "*", reason = "because"}]\n'

    assert [one.line for one in read(written(tmp_path, text))] == [0]


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("[[exclude]\n", "it is no TOML", "correct that line"),
        ('[exclude]\ncheck = "a"\n', "exclude is no list of tables", "write [[exclude]], with two brackets"),
        ("exclude = [1]\n", "exclude is no list of tables", "write [[exclude]]"),
        ('[[exclusion]]\ncheck = "a"\n', "there is no setting 'exclusion'", "[[exclude]] only"),
        (GOOD.replace("panel", "pannel"), "an exclusion has no 'pannel'", "did you mean panel?"),
        (GOOD.replace("panel", "zzz"), "an exclusion has no 'zzz'", "there are check, dashboard, panel, reason"),
        (GOOD.replace('"*"', "7"), "dashboard of an exclusion is no text", 'write dashboard = "…"'),
        (GOOD.replace('"*"', '""'), "an exclusion has no dashboard", 'write dashboard = "…"'),
        (GOOD.replace('check = "target-job"\n', ""), "an exclusion has no check", 'write check = "…"'),
        (GOOD.replace('"a budget is over 30 days"', '" "'), "an exclusion has no reason", "say why"),
        (GOOD.replace('reason = "a budget is over 30 days"', ""), "an exclusion has no reason", "say why"),
    ],
)
def test_a_wrong_file_is_refused_with_what_where_and_hint(text: str, what: str, hint: str, tmp_path: Path) -> None:
    """Half a file would hide what it should not, or not hide what it should."""
    path = written(tmp_path, text)

    with pytest.raises(UsageError) as raised:
        read(path)

    assert what in raised.value.what
    assert raised.value.where["in"].startswith(str(path))
    assert hint in raised.value.hint


def test_the_line_of_a_wrong_exclusion_is_told(tmp_path: Path) -> None:
    """In a file of fifty, one has to be found."""
    path = written(tmp_path, GOOD.replace("panel", "pannel"))

    with pytest.raises(UsageError) as raised:
        read(path)

    assert raised.value.where["in"] == f"{path}:7"


@pytest.mark.parametrize(
    ("body", "what"), [(b"\xff\xfe", "not UTF-8"), (b"#" * ((1 << 20) + 1), "larger than a mebibyte")]
)
def test_a_file_that_is_no_text_is_refused(body: bytes, what: str, tmp_path: Path) -> None:
    """Nobody wrote it by hand."""
    path = tmp_path / "checks.toml"
    path.write_bytes(body)

    with pytest.raises(UsageError, match=what):
        read(path)


def test_a_folder_of_that_name_is_refused(tmp_path: Path) -> None:
    """What is there and cannot be read is not the same as what is not there."""
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("one", "hidden"),
    [
        (exclusion(), True),
        (exclusion(dashboard="*"), True),
        (exclusion(panel="Requests"), True),
        (exclusion(check="target-instance"), False),
        (exclusion(dashboard="slo2"), False),
        (exclusion(dashboard="sl*"), False),
        (exclusion(panel="Errors"), False),
    ],
)
def test_an_exclusion_hides_what_it_names_and_nothing_else(one: Exclusion, hidden: bool) -> None:
    """Check, dashboard and panel must all fit; * is all dashboards, and no pattern."""
    found = problem(panel="Requests")

    kept, excluded = apply([found], [one])

    assert (kept, excluded) == (((), (found,)) if hidden else ((found,), ()))


def test_a_panels_exclusion_leaves_the_dashboards_own_problems() -> None:
    """What is about no panel is not about this panel."""
    assert apply([problem()], [exclusion(panel="Requests")]) == ((problem(),), ())


def test_another_file_is_named_whole() -> None:
    """A rule file's problems can be excluded too."""
    found = Problem(check="alert-panel-links", message="wrong", file="alerts/shop.yml")

    assert apply([found], [exclusion(check="alert-panel-links", dashboard="shop.yml")]) == ((), (found,))


def test_a_definition_that_cannot_be_loaded_is_never_hidden() -> None:
    """What no check found, no exclusion of a check hides."""
    broken = problem(check="definition")

    assert apply([broken], [exclusion(check="definition", dashboard="*")]) == ((broken,), ())


_checks = st.sampled_from(["target-job", "panel-units", "promql"])
_names = st.sampled_from(["a", "b"])
_panels = st.sampled_from(["", "Requests", "Errors"])


@given(
    st.lists(st.builds(problem, _checks, _names, _panels)),
    st.lists(st.builds(exclusion, _checks, st.sampled_from(["a", "b", "*"]), _panels)),
)
def test_no_problem_is_lost_and_what_is_unused_hid_nothing(problems: list[Problem], given_: list[Exclusion]) -> None:
    """Kept and excluded together are what there was; without the useless exclusions it is the same."""
    kept, excluded = apply(problems, given_)
    lines = [replace(one, line=number) for number, one in enumerate(given_)]
    useless = {p.line for p in unused(lines, problems, {"target-job", "panel-units", "promql"})}

    assert sorted(map(str, (*kept, *excluded))) == sorted(map(str, problems))
    assert apply(problems, [one for one in lines if one.line not in useless]) == (kept, excluded)


def test_an_exclusion_that_hides_nothing_is_a_warning() -> None:
    """What it was for has been mended: it would hide the next one."""
    (found,) = unused([exclusion(panel="Requests")], [problem(panel="Errors")], {"target-job"})

    assert found == Problem(
        check=CHECK,
        message="the exclusion of target-job from slo, panel 'Requests' hides nothing",
        file="checks.toml",
        line=3,
        severity="warning",
        hint="take it out",
    )


def test_an_exclusion_that_hides_something_is_no_problem() -> None:
    """It does what it is there for."""
    assert unused([exclusion()], [problem()], {"target-job"}) == ()


def test_an_exclusion_of_a_check_that_was_not_made_may_be_of_use() -> None:
    """Without npm, nobody knows what the check structure would find."""
    assert unused([exclusion(check="structure")], [], {"target-job"}) == ()


def test_an_exclusion_of_an_unknown_check_is_an_error() -> None:
    """A misspelt name hides nothing, and whoever wrote it believes that it does."""
    (found,) = unused([exclusion(check="target-jobs")], [], set())

    assert (found.severity, found.message, found.line) == ("error", "there is no check 'target-jobs'", 3)
    assert found.hint == "did you mean target-job?"


def test_the_hint_for_a_name_that_is_like_no_other_lists_the_checks() -> None:
    """Nothing near: all of them."""
    (found,) = unused([exclusion(check="?")], [], set())

    assert found.hint.startswith("there are alert-panel-links, ")


def test_one_reason_may_stand_for_several_checks_and_dashboards(tmp_path: Path) -> None:
    """Each pair counts by itself, so that one which hides nothing is still told."""
    path = tmp_path / "checks.toml"
    path.write_text('[[exclude]]\ncheck = ["target-job", "template-job"]\ndashboard = ["a", "b"]\nreason = "r"\n')

    assert [(one.check, one.dashboard) for one in read(path)] == [
        ("target-job", "a"),
        ("target-job", "b"),
        ("template-job", "a"),
        ("template-job", "b"),
    ]
    path.write_text('[[exclude]]\ncheck = []\ndashboard = "a"\nreason = "r"\n')
    with pytest.raises(UsageError, match="is an empty list"):
        read(path)
