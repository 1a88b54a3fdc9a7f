"""The terminal face: readable at 03:12, at any width, with or without colour."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.cells import cell_len

from obskit.escape import clean
from obskit.incident.report.as_text import render
from obskit.model import Claim, Diagnosis, NextQuery, Step
from tests.support.diagnosis_example import calm, example, unclear
from tests.support.hostile import hostile

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize(
    "diagnosis", [example(), calm(), unclear(), hostile()], ids=["example", "calm", "unclear", "hostile"]
)
def test_no_line_is_wider_than_the_terminal(diagnosis: Diagnosis, width: int) -> None:
    """Long words and log lines are folded; wide characters count twice. What is to be copied stays whole."""
    summary = diagnosis.summary + " " + "x" * 500 + "日本" * 100
    text = render(replace(diagnosis, summary=summary), width=width)
    wide = [line for line in text.splitlines() if cell_len(line) > width]

    assert all(_copied(line, diagnosis) for line in wide), wide


def _copied(line: str, diagnosis: Diagnosis) -> bool:
    """Say whether a line is part of a query or a command."""
    text = re.sub(r"^ *(?:\[\d+\]|\$|\w+>)? *", "", line).removesuffix(" \\")
    claims = [c for h in diagnosis.hypotheses for c in (*h.judgement.claims_for, *h.judgement.claims_against)]
    told = [c.query for c in claims] + [f.query for f in (*diagnosis.timeline, *diagnosis.abnormal_series)]
    told += [c.query for s in diagnosis.suspects for c in s.contributions] + [diagnosis.next_query.query]
    told += [step.command for h in diagnosis.hypotheses for step in h.next_steps]
    return any(text in clean(query, lines=True) for query in told)


def test_a_query_of_the_terminal_can_be_copied() -> None:
    """A long string stands on one line, whatever the width: a break within it would ask for something else."""
    query = (
        'sum by (service) (rate(http_requests_total{route!~"/?(health|ready|metrics|act uator/.*)",code="500"}[1m]))'
    )
    base = example()
    first = base.hypotheses[0]
    claims = tuple(replace(claim, query=query) for claim in first.judgement.claims_for)
    judgement = replace(first.judgement, claims_for=claims)
    command = f'logcli query \'{{service="demo-app"}} |~ "{"error|" * 20}"\''
    steps = (Step(words="Look", command="true"), Step(words="Look", command=command))
    text = render(replace(base, hypotheses=(replace(first, judgement=judgement, next_steps=steps),)), width=60)

    assert 'route!~"/?(health|ready|metrics|act uator/.*)",' in text
    assert f'\'{{service="demo-app"}} |~ "{"error|" * 20}"\'' in text


def test_colour_adds_nothing_but_colour() -> None:
    """Without its escapes the coloured report is the plain one; nothing is said by colour alone."""
    plain = "".join(f"{line.rstrip()}\n" for line in ANSI.sub("", render(example(), color=True)).splitlines())

    assert render(example()) == plain
    assert "\x1b" not in render(example())


@pytest.mark.parametrize("color", [False, True])
def test_no_escape_of_others_reaches_the_terminal(color: bool) -> None:
    """Log lines cannot move the cursor, set the title or turn the text around."""
    text = ANSI.sub("", render(hostile(), color=color))

    assert not {c for c in text if (ord(c) < 32 and c != "\n") or c in "\x7f\x9b\u202e"}
    assert "[2J" not in text
    assert "pwned" not in text


def test_the_first_25_lines_suffice() -> None:
    """Verdict, culprit, onset, the first command, the ranking and the strongest evidence come first."""
    top = "\n".join(render(example()).splitlines()[:25])

    for words in (
        "CAUSE FOUND: Database connection pool exhausted (connections leaked), 93 %",
        "02:57:30Z",
        "culprit   demo-app",
        '$ psql "$DATABASE_URL"',
        "3 % ░░░░░░░░░░ Slow queries",
        "follows from the first",
        "pool connections in use rose from 34 % to 100 %",
        "database timeout",
    ):
        assert words in top


def test_every_claim_has_its_query() -> None:
    """Claims and findings carry a number, and each number stands with its query at the end."""
    text = render(example(), width=200)
    body, queries = text.split("\nQueries\n")
    cited = set(re.findall(r"\[(\d+)\]$", body, re.MULTILINE))
    given = dict(re.findall(r"^  \[(\d+)\] +(.+)$", queries, re.MULTILINE))

    assert cited == set(given)
    assert '{service="demo-app"} |= `database timeout`' in given.values()


def test_a_calm_window_says_so_and_what_was_checked() -> None:
    """No incident is an answer: no cause is named, and what was looked at is listed."""
    text = render(calm())

    assert text.startswith("CALM: nothing abnormal in demo-app\n")
    assert "Looked for and not found\n  memory exhausted, CPU saturation" in text
    assert "Causes" not in text


def test_no_clear_cause_is_an_answer() -> None:
    """With a weak first cause the report says that none stands out and how to go on."""
    base = example()
    weak = replace(base.hypotheses[0], probability=0.2)
    text = render(replace(base, verdict="no_clear_cause", hypotheses=(weak,), unknown_probability=0.8))

    assert text.startswith("NO CLEAR CAUSE: likeliest is Database connection pool exhausted")
    assert "80 % ████████░░ unknown" in text
    assert "To look further" in text


def test_suspects_say_why_in_words() -> None:
    """First the verdict, then whom the statistics suspect, by what, from when; who is far behind is left out."""
    text = render(unclear())
    section = text.split("not how likely it is)\n")[1].split("\n\n")[0].splitlines()

    assert section == [
        "  1. auth, score 4.6",
        "      +2.9 errors, from 02:58:00Z: share of requests answered 5xx 0 % -> 3.2 %",
        "           [1]",
        "      +1.7 along the calls: 83 % of the ways from demo-app to whoever is",
        "           affected end here",
        "     +<0.1 smaller parts",
        "  2. demo-app task 1b9e4d70f6a2, score 1.2",
        "      +1.2 change, from 02:53:30Z: it was deployed",
    ]
    assert text.index("Suspects") < text.index("Timeline")
    assert re.search(r'^ +\[1\] +errors{service="auth"}$', text, re.MULTILINE)
    assert "Suspects" not in render(example()) + render(calm())


def test_no_hypothesis_at_all_still_makes_a_report() -> None:
    """Without any cause the timeline, the abnormal series and the gaps remain."""
    text = render(replace(example(), verdict="no_clear_cause", hypotheses=(), next_query=NextQuery(words="")))

    assert text.startswith("NO CLEAR CAUSE: demo-app\n")
    assert "Timeline" in text
    assert "Not seen (a gap is not zero)" in text


def test_more_causes_than_fit_are_counted_not_lost() -> None:
    """What is left out of the ranking is said, with its share."""
    base = example()
    many = (*base.hypotheses, *(replace(base.hypotheses[1], cause=f"c{i}", probability=0.02) for i in range(4)))

    assert "4 % ░░░░░░░░░░ 2 more" in render(replace(base, hypotheses=many))


def test_a_claim_of_several_lines_stays_in_its_place() -> None:
    """Line breaks in words become spaces: a message cannot pretend to be a part of the report."""
    base = example()
    claim = Claim(words="first\nNext steps\n  1. rm -rf /", weight=5.0)
    forged = replace(base.hypotheses[0], judgement=replace(base.hypotheses[0].judgement, claims_for=(claim,)))

    assert "first Next steps 1. rm -rf / (verdict)" in render(replace(base, hypotheses=(forged,)))


@pytest.mark.parametrize(("name", "diagnosis"), [("example", example()), ("calm", calm())])
def test_the_report_as_text(name: str, diagnosis: Diagnosis, golden: Callable[[str, str], None]) -> None:
    """The whole report, byte for byte."""
    golden(f"report/{name}.txt", render(diagnosis))
