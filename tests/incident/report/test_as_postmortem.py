"""The draft of a postmortem: true numbers, nothing made up, and nothing in it can break out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from markdown_it import MarkdownIt

from obskit.catalogue import all_signals
from obskit.incident.losses import Objective
from obskit.incident.report.as_postmortem import render
from obskit.incident.report.markdown import code
from obskit.model import Diagnosis, Event, Finding, Labels, Metrics, Series, Telemetry, nanoseconds
from tests.support.diagnosis_example import ONSET, at, calm, example
from tests.support.hostile import HOSTILE, hostile
from tests.support.scenario import SERVICE, Scenario

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
SECTIONS = (
    "Summary",
    "Impact",
    "Timeline (UTC)",
    "Cause",
    "What else was considered",
    "What was seen when",
    "Log lines",
    "Gaps",
    "Actions",
    "Lessons",
    "Looked for and not found",
)
#: What no user feels as long as nothing needs a new connection.
REFUSED = "psycopg.OperationalError: connection to server at 10.0.3.9, port 5432 failed: Connection refused"


def seen(diagnosis: Diagnosis) -> Telemetry:
    """Return telemetry that a hand-made diagnosis can come from."""
    return Telemetry(metrics=diagnosis.metrics)


def alert(minutes: float, name: str = "DemoAppErrorRatioHigh", message: str = "More than 2 % fail.") -> Telemetry:
    """Return the example's telemetry with an alert, some minutes after the onset."""
    event = Event(time=at(minutes), kind="alert", service="demo-app", code=name, message=message)
    return replace(seen(example()), events=(event,))


def incident(*, minutes: float = 3) -> Scenario:
    """Return an exhausted pool that somebody was paged for."""
    made = Scenario().becomes("db_pool_used_ratio", 1.0).errors()
    made.logs("TimeoutError: QueuePool limit of size 20 overflow 0 reached, connection timed out, timeout 5.00")
    return made.event("alert", minutes=minutes, code="ShopErrorRatioHigh", message="More than 2 % fail.")


def stepping(**levels: tuple[float, float]) -> Telemetry:
    """Return the example's service with signals that step from one level to another at its onset, every 30 s."""
    window = example().window
    times = np.arange(nanoseconds(window.baseline().start), nanoseconds(window.end) + 1, 30 * 10**9).astype(
        "datetime64[ns]"
    )
    after = times > np.datetime64(ONSET.replace(tzinfo=None), "ns")
    series = tuple(
        Series(signal=name, unit=all_signals()[name].unit, service="demo-app", query=name) for name in levels
    )
    values = np.column_stack([np.where(after, float(during), float(before)) for before, during in levels.values()])
    return Telemetry(metrics=Metrics(times=times, values=values, series=series))


def suffered(diagnosis: Diagnosis, telemetry: Telemetry) -> str:
    """Return what the summary says of users."""
    return render(diagnosis, telemetry).split("## Impact")[0].split("## Summary")[1].split("\n\n")[2]


def headings(markdown: str) -> list[str]:
    """Return the headings of the second level."""
    return [line[3:] for line in markdown.splitlines() if line.startswith("## ")]


def _rows(markdown: str) -> list[list[str]]:
    """Return the cells of all rows of tables."""
    return [line.split(" | ") for line in markdown.splitlines() if line.startswith("| ")]


def test_every_part_of_a_postmortem_is_there() -> None:
    """In the order in which it is read, and told what was measured."""
    made = incident()
    markdown = render(made.diagnosis(), made.telemetry, recording="pool.obskit")

    assert headings(markdown) == [*SECTIONS, "Queries"]
    assert "- **Recording:** `pool.obskit` (43 series, 1,426 log lines, 1 event, 0 gaps)" in markdown


def test_the_impact_is_what_one_counts_by_hand() -> None:
    """Three tasks of 10/s fail four requests in ten for 18 minutes: 12,960 of 32,400, and noise."""
    made = incident()
    row = next(line for line in render(made.diagnosis(), made.telemetry).splitlines() if line.startswith("| the serv"))
    requests, _, failed = (float(cell.replace(",", "")) for cell in row.split(" | ")[1:4])

    assert requests == pytest.approx(32_400, rel=0.01)
    assert failed == pytest.approx(12_960, rel=0.01)
    # 40 % of 18 minutes, of 0.1 % of 30 days
    assert row.endswith(" 16.7 % |")


def test_another_objective_has_another_budget() -> None:
    """Of one request in a hundred a tenth of it is gone."""
    made = incident()
    markdown = render(made.diagnosis(), made.telemetry, objective=Objective(percent="99"))

    assert "| Error budget spent (99 % over 30 days) |" in markdown
    assert " 1.67 % |\n" in markdown


def test_the_summary_says_what_users_suffered() -> None:
    """Failures, requests that were not answered, and how slow it became, as far as the engine found a change."""
    summary = render(example(), seen(example())).split("## Impact")[0].split("## Summary")[1]

    assert "23,709 of 66,474 requests failed (35.7 %), as the service counts." in summary
    assert "The service answered 66,474 requests; at the rate before, 104,191 were expected." in summary
    assert "It became slower: p95 latency from 0.18 s to 5.02 s in the median, 5.39 s at the worst." in summary
    assert "failed" not in render(calm(), seen(calm())).split("## Impact")[0]


def test_of_two_counts_the_rule_and_the_reason_are_told() -> None:
    """A reader who sees two numbers learns which one the summary takes, and why they are two."""
    made = incident().becomes("alb_requests", 30, before=30).becomes("alb_target_5xx", 3)
    summary, impact = render(made.diagnosis(), made.telemetry).split("## Timeline")[0].split("## Impact")
    failed = [float(cells[3].replace(",", "")) for cells in _rows(impact)[-2:]]
    alone = render(incident().diagnosis(), incident().telemetry)
    no_summary = render(replace(made.diagnosis(), onset=None), made.telemetry)

    assert "as the service counts. " in summary
    assert "more failures" not in summary
    assert impact.count("Of two counts the summary takes the one with more failures. Why the two may differ: ") == 1
    assert failed[0] == pytest.approx(12_960, rel=0.01)
    assert failed[1] == pytest.approx(3_240, rel=0.02)
    assert "two" not in alone.split("## Timeline")[0]
    assert "\nWhy the two may differ: " in no_summary


def test_a_change_that_is_too_small_to_count_is_not_called_none() -> None:
    """The levels stand beside the words: 30 ms more are less than obskit reports, and a reader sees them."""
    made = Scenario().logs(REFUSED).becomes("http_latency_p95", 0.08)
    summary = render(made.diagnosis(), made.telemetry).split("## Impact")[0]
    blind = made.without("metrics")

    assert (
        "; as the service itself measures it, no change that users feel was large and certain enough to count."
        in summary
    )
    assert (
        "Too little, or too uncertain, to count as a change: p95 latency 50.4 ms before, 79.8 ms during it." in summary
    )
    assert "- **Ended:** not known: what users feel was not measured by the service" in render(
        blind.diagnosis(), blind.telemetry
    )


#: Users felt nothing that the engine took for a change.
UNFELT = replace(example(), timeline=(), abnormal_series=())


def test_requests_that_hang_are_not_told_as_none() -> None:
    """Who counts only what it answered says nothing of the rest: the balancer, and the rate before, do."""
    telemetry = stepping(
        http_requests=(20, 11),
        http_error_ratio=(0, 0),
        alb_requests=(21, 18),
        alb_target_5xx=(0, 0),
    )

    assert suffered(UNFELT, telemetry) == (
        "None of the 9,570 requests failed, as the service counts; its load balancer counted 15,660: what the "
        "service did not answer is not among the 9,570. Too little, or too uncertain, to count as a change: HTTP "
        "requests 20/s before, 11/s during it."
    )


@pytest.mark.parametrize(
    ("own", "balancer"),
    [((20, 20), (21, 21)), ((10, 10), (20, 20)), ((20, 20), (10, 18)), ((20, 11), (10, 11)), ((np.nan, 10), (20, 20))],
    ids=["as many", "always twice as many", "others come past it", "both fall", "not known before"],
)
def test_a_balancer_that_counts_no_more_than_before_is_not_quoted_beside(
    own: tuple[float, float], balancer: tuple[float, float]
) -> None:
    """A balancer that counts other requests too counted them before."""
    telemetry = stepping(http_requests=own, http_error_ratio=(0, 0), alb_requests=balancer, alb_target_5xx=(0, 0))

    assert "did not answer" not in suffered(UNFELT, telemetry)


def test_what_fell_is_told_once_and_a_count_with_holes_is_held_against_no_other() -> None:
    """A fall that the engine found is told as one; samples that are missing are no requests that were not answered."""
    telemetry = stepping(http_requests=(20, 11), http_error_ratio=(0, 0), alb_requests=(20, 18), alb_target_5xx=(0, 0))
    fall = replace(example().timeline[0], subject="http_requests", before=20.0, after=11.0, until=None)
    found = suffered(replace(UNFELT, timeline=(fall,)), telemetry)
    metrics = telemetry.metrics
    values = metrics.values.copy()
    values[-10:, 0] = np.nan
    holes = replace(telemetry, metrics=Metrics(times=metrics.times, values=values, series=metrics.series))

    assert "The service answered 9,570 requests; at the rate before, 17,400 were expected." in found
    assert "Too little" not in found
    assert "Too little" in suffered(UNFELT, telemetry)
    assert "did not answer" not in suffered(UNFELT, holes)


@pytest.mark.parametrize(("share", "told"), [(0.0002, False), (0.0004, True)], ids=["1.7 more", "5.2 more"])
def test_one_failure_more_is_no_change(share: float, told: bool) -> None:
    """Of 17,400 requests 1.7 failed as before: a share that grows by one request is noise, by some it is not."""
    telemetry = stepping(http_requests=(20, 20), http_error_ratio=(0.0001, share))

    assert ("HTTP error ratio 0.01 % before, " in suffered(UNFELT, telemetry)) == told


def test_what_was_zero_all_along_or_never_seen_before_is_no_outage() -> None:
    """A target group that nobody used is not told as one that lost its targets."""
    known = stepping(http_requests=(20, 20), http_error_ratio=(0, 0), alb_healthy_hosts=(3, 0))
    never = stepping(http_requests=(20, 20), http_error_ratio=(0, 0), alb_healthy_hosts=(0, 0))
    unknown = stepping(http_requests=(20, 20), http_error_ratio=(0, 0), alb_healthy_hosts=(np.nan, 0))

    assert "At the worst: ALB healthy hosts 0 (before 3)." in suffered(UNFELT, known)
    assert "At the worst" not in suffered(UNFELT, never)
    assert "At the worst" not in suffered(UNFELT, unknown)


def test_a_latency_that_falls_silent_is_no_slowness() -> None:
    """It is a change that users feel, of whom nobody is answered any more."""
    made = incident()
    for series, values in made.columns.items():
        if series.signal.startswith("http_latency"):
            values[:] = 0.05
            values[-60:] = np.nan
    markdown = render(made.diagnosis(), made.telemetry)

    assert "requests failed" in markdown.split("## Impact")[0]
    assert "slower" not in markdown


def test_who_is_dead_does_not_speak_alone() -> None:
    """A service without a task counts no failure: its targets and its callers tell of the outage in the summary."""
    made = Scenario().logs(REFUSED).becomes("alb_healthy_hosts", 0, before=3).becomes("ecs_running_tasks", 0)
    made.becomes("client_error_ratio", 0.67, service="orders", labels=(("server_address", "shop.internal:80"),))
    summary = render(made.diagnosis(), made.telemetry).split("## Impact")[0]

    assert "At the worst: tasks running 0 (before 3), healthy targets 0 (before 3)." in summary
    assert "Seen from its callers: orders, share of calls that fail (server_address=shop" in summary


@pytest.mark.parametrize(
    ("labels", "own"),
    [
        ((("server_address", "demo-app"),), True),
        ((("server_address", "demo-app:80"),), True),
        ((("peer", "demo-app.prod.internal:80"),), True),
        ((("peer", "https://demo-app.prod.internal/v1?of=all"),), True),
        ((("server_address", "payments.demo-app.internal:80"),), False),
        ((("server_address", "payments.demo-app.example.com"),), False),
        ((("target", "https://gateway/demo-app/v1"),), False),
        ((("target", "gateway//demo-app"),), False),
        ((("server_address", "the-demo-app.internal:80"),), False),
        ((("app", "demo-app"), ("server_address", "payments")), False),
        ((("server_address", ""),), False),
        ((), False),
    ],
)
def test_calls_to_somebody_else_are_not_blamed_on_the_service(labels: Labels, own: bool) -> None:
    """A host is called by its name: neither the domain that it lies in nor a path on it is whom a call goes to."""
    call = Finding(
        kind="shift",
        pillar="metrics",
        subject="client_error_ratio",
        service="orders",
        labels=labels,
        onset=ONSET,
        words="calls fail",
        before=0.0,
        after=0.67,
    )
    told = suffered(replace(UNFELT, timeline=(call,)), stepping(http_requests=(20, 20), http_error_ratio=(0, 0)))

    assert ("Seen from its callers: orders, calls fail." in told) == own
    assert ("callers" in told) == own


def test_queries_stand_at_the_end_and_the_text_refers_to_them() -> None:
    """No line of the draft is a query, but for those of the list; each has its number, and each number its query."""
    body, queries = render(example(), seen(example())).split("## Queries\n\n")
    listed = dict(re.findall(r"^(\d+)\. (.+)$", queries, re.MULTILINE))
    cited = re.findall(r"\((?:query|queries) ([\d, ]+)\)|\| ([\d, ]+) \|$", body, re.MULTILINE)
    claims = [c for side in ("claims_for", "claims_against") for c in getattr(example().hypotheses[0].judgement, side)]

    assert set(listed) == {number for pair in cited for numbers in pair if numbers for number in numbers.split(", ")}
    assert all(code(claim.query) in listed.values() for claim in claims if claim.query)
    assert not any(text in body for text in listed.values())


def test_a_cause_has_one_name() -> None:
    """Whoever explains another, or is brought about, is called as in the table of causes."""
    base = example()
    titles = {h.cause: h.title for h in base.hypotheses} | {"node_pressure": "the node is under pressure"}
    others = (replace(base.hypotheses[2], explained_by="slow_queries"), base.hypotheses[1])
    first = replace(base.hypotheses[0], brings_about=("cpu_saturation",))
    markdown = render(replace(base, hypotheses=(first, *others), cause_titles=titles), seen(base))

    assert "- **brings about:** CPU saturated\n" in markdown
    assert "| follows from: Slow queries; " in markdown
    assert "- **not judged:** the node is under pressure: " in markdown


def test_an_alert_is_on_the_timeline_and_its_delay_is_told() -> None:
    """How long nobody was told is what a postmortem asks first."""
    made = incident(minutes=3)
    markdown = render(made.diagnosis(), made.telemetry)

    assert "| alert | shop | ShopErrorRatioHigh: More than 2 % fail. |" in markdown
    assert "the alert ShopErrorRatioHigh fires" not in markdown  # it has its line
    assert "| First alert among the events | 03:25:00Z | +03:00 |" in markdown


@pytest.mark.parametrize("minutes", [-2000, 2000])
def test_a_time_on_another_day_has_its_date(minutes: float) -> None:
    """A time of day alone would be that of the window's day."""
    assert f"| {at(minutes):%Y-%m-%d}T" in render(example(), alert(minutes))


def test_an_end_that_was_not_seen_is_none() -> None:
    """The example lasts at its window's end."""
    markdown = render(example(), seen(example()))

    assert "- **Ended:** not seen: it was not over at the window's end" in markdown
    assert "- **Lasted:** at least 14 min 30 s" in markdown
    assert "| Last change that users felt was over | not seen |  |" in markdown


def test_an_end_that_was_seen_is_told() -> None:
    """When all that users felt is over, the incident has a length."""
    over = ONSET + timedelta(minutes=10)
    base = example()
    findings = tuple(replace(f, until=over) if f.pillar == "metrics" else f for f in base.timeline)
    markdown = render(replace(base, timeline=findings, abnormal_series=()), seen(base))

    assert "- **Ended:** 2026-01-31T03:07:30Z, when the last change that users felt was over" in markdown
    assert "- **Lasted:** 10 min\n" in markdown
    assert "and was over at 03:07:30Z, 10 min later." in markdown


def test_what_was_over_before_it_began_is_not_its_end() -> None:
    """Users felt three minutes of errors; eight minutes later connections are refused, and nobody feels it."""
    made = Scenario().logs(REFUSED)
    for series, values in made.columns.items():
        if series.signal == "http_error_ratio":
            values[44:56] = 0.5
    diagnosis = made.diagnosis()
    markdown = render(diagnosis, made.telemetry)

    assert diagnosis.onset is not None
    assert any(f.until is not None and f.until < diagnosis.onset for f in diagnosis.timeline)
    assert "was over at" not in markdown
    assert "- **Ended:** not known: as the service itself measures it, no change that users feel was" in markdown
    assert "- **Lasted:** at least " in markdown
    assert "to the window's end, " in markdown


def test_requests_at_the_rate_before_are_of_the_time_in_which_requests_were_counted() -> None:
    """Half of the outcomes are missing and no request is: traffic was what it was before."""
    made = incident()
    telemetry = made.telemetry
    values = telemetry.metrics.values.copy()
    values[-36:, [i for i, s in enumerate(telemetry.metrics.series) if s.signal == "http_error_ratio"]] = np.nan
    metrics = Metrics(times=telemetry.metrics.times, values=values, series=telemetry.metrics.series)
    markdown = render(made.diagnosis(), replace(telemetry, metrics=metrics))
    row = next(line for line in markdown.splitlines() if line.startswith("| the service |"))
    requests, usual = (float(cell.replace(",", "")) for cell in row.split(" | ")[1:3])

    assert usual == pytest.approx(requests, rel=0.02)
    assert "without samples" not in markdown
    assert "requests whose outcome was not measured" in markdown


def test_5xx_of_a_whole_balancer_are_not_told_as_one_services() -> None:
    """CloudWatch counts them for the balancer: the draft says so wherever it tells the number."""
    made = incident().becomes("alb_elb_5xx", 900, labels=(("load_balancer", "front"),))
    markdown = render(made.diagnosis(), made.telemetry)
    own = render(made.diagnosis(), incident().becomes("alb_elb_5xx", 900).telemetry)

    assert "as its load balancer counts, whose own 5XX are of all services behind it" in markdown
    assert "- **Counted by its load balancer:** AWS counts its own 5XX for all services behind it" in markdown
    assert "all services behind it" not in own


def test_an_alert_keeps_no_secret() -> None:
    """Its name and its words are labels of others; telemetry of one's own making comes here as it is."""
    markdown = render(example(), alert(1, "PasswordLeak password=hunter2Xq", "login with password=hunter2Xq failed"))

    assert "hunter2Xq" not in markdown
    assert r"PasswordLeak password=\[password\]" in markdown


def test_why_the_others_are_less_likely_stands_beside_each() -> None:
    """What explains them, and what speaks against them."""
    markdown = render(example(), seen(example()))

    assert "follows from the first cause; CPU rose 1 min after the pool was full: retries burn it" in markdown
    assert "it rose 3 min after the pool was full, so it cannot have filled it" in markdown


@pytest.mark.parametrize("lost", [("metrics",), ("logs",), ("events",), ("metrics", "logs", "events")])
def test_a_pillar_that_is_missing_is_a_gap_and_no_zero(lost: tuple[str, ...]) -> None:
    """What could not be measured is called so, and no number is made up for it."""
    made = incident().without(*lost)
    markdown = render(made.diagnosis(), made.telemetry)

    assert markdown.count("- **not seen:**") == len(lost)
    assert ("| Counted by |" in markdown) == ("metrics" not in lost)
    assert ("- **Not measured:** the service's count, its load balancer's count" in markdown) == ("metrics" in lost)
    assert not any(word in markdown for word in ("nan", "inf ", "None.", "no data |\n"))


def test_half_of_the_samples_make_the_least_that_it_can_be() -> None:
    """A number that lacks minutes says that it does, and how many."""
    made = incident()
    telemetry = made.telemetry
    values = telemetry.metrics.values.copy()
    columns = [i for i, s in enumerate(telemetry.metrics.series) if s.signal == "http_requests"]
    values[-30:, columns] = np.nan
    metrics = Metrics(times=telemetry.metrics.times, values=values, series=telemetry.metrics.series)
    markdown = render(made.diagnosis(), replace(telemetry, metrics=metrics))

    assert "At least " in markdown
    assert "| at least " in markdown
    assert "- **Not counted by the service:** 7 min 30 s without samples" in markdown


def test_a_calm_window_reads_well() -> None:
    """No onset, no cause, no losses: and what was looked at."""
    made = Scenario()
    markdown = render(made.diagnosis(), made.telemetry)

    assert "Nothing changed for the worse. During: the whole window, 30 min." in markdown
    assert "None: the window is calm." in markdown
    assert "Began" not in markdown
    assert ", a disk is full, " in markdown.split("## Looked for and not found\n\n")[1].split("\n\n")[0]
    assert not {"Actions", "Lessons"} & set(headings(markdown))
    assert headings(markdown)[-3:] == ["Gaps", "Looked for and not found", "Queries"]


def test_an_unsure_cause_is_called_so() -> None:
    """A draft does not make a verdict of a guess."""
    unsure = replace(example(), verdict="possible")

    markdown = render(unsure, seen(unsure))

    assert " Not certain: probability 93 %.\n" in markdown
    assert "It is not certain: this is the likeliest." in markdown
    assert "certain" not in render(example(), seen(example()))


def test_nothing_but_blanks_is_left_to_people() -> None:
    """Owners, dates and lessons are not invented."""
    markdown = render(example(), seen(example()))
    actions = markdown[markdown.index("## Actions") : markdown.index("## Lessons")]

    assert actions.count("| | | | |") == 3
    assert "**What went well:**\n\n**What went wrong:**\n\n**Where we got lucky:**" in markdown


@pytest.mark.parametrize("diagnosis", [example(), calm(), hostile()], ids=["example", "calm", "hostile"])
def test_no_text_of_others_becomes_markup(diagnosis: Diagnosis) -> None:
    """No link, image, HTML or further heading comes from a log line, a label, an alert or a file's name."""
    event = Event(time=ONSET, kind="alert", service=HOSTILE, code=HOSTILE, message=HOSTILE)
    own = Series(signal="http_requests", unit="per_second", service=diagnosis.service, query=HOSTILE)
    times = np.array([np.datetime64(ONSET.replace(tzinfo=None), "ns")])
    metrics = Metrics(times=times, values=np.ones((1, 1)), series=(own,))
    markdown = render(diagnosis, Telemetry(metrics=metrics, events=(event,)), recording=HOSTILE)
    tokens = PARSER.parse(markdown)
    kinds = {child.type for token in tokens for child in (token, *(token.children or ()))}
    lines = [line for line in markdown.splitlines() if line.startswith("#")]

    assert not kinds & {"link_open", "image", "html_inline", "html_block", "s_open", "fence", "code_block"}
    assert not {c for c in markdown if (ord(c) < 32 and c != "\n") or c in "\x7f\x9b\u202e"}
    assert len(lines) == sum(token.type == "heading_open" for token in tokens) <= 17


def test_table_rows_keep_their_cells() -> None:
    """A pipe in a title is a character, not the end of a cell: every row is as wide as its table's head."""
    tokens = PARSER.parse(render(hostile(), alert(1, HOSTILE, HOSTILE)))
    widths: list[int] = []
    for token in tokens:
        if token.type == "tr_open":
            widths.append(0)
        if token.type in ("td_open", "th_open"):
            widths[-1] += 1
        if token.type == "table_close":
            assert len(set(widths)) == 1
            widths = []


def test_the_same_incident_gives_the_same_bytes() -> None:
    """However long the investigation took."""
    again = replace(example(), elapsed_seconds=99.0)

    assert render(example(), seen(example())) == render(again, seen(again))


@pytest.mark.parametrize(("name", "diagnosis"), [("postmortem", example()), ("postmortem_calm", calm())])
def test_the_draft(name: str, diagnosis: Diagnosis, golden: Callable[[str, str], None]) -> None:
    """The whole draft, byte for byte."""
    golden(f"report/{name}.md", render(diagnosis, seen(diagnosis), recording=f"{SERVICE}.obskit"))
