"""Accounts in words: what is said of each part, by which series, from when, and without a secret."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obskit.incident.blame.explain import MOST_TOLD, explain
from obskit.incident.blame.ranking import rank_suspects
from obskit.incident.blame.scene import Alert, Scene
from obskit.model import Contribution, Finding, Labels, Part, Series, Suspect
from obskit.redact import redact
from tests.support.blame import (
    AT,
    BEGIN,
    CALM_LINES,
    MIXED,
    NOTICED,
    STEP,
    Column,
    logs_of,
    matrix_of,
    rollout,
    scene,
    scene_of,
    tasks_of,
)
from tests.support.scenario import Scenario


def told(given_: Scene, **how: object) -> tuple[Suspect, ...]:
    """Return the suspects of a scene, in words."""
    return explain(given_, rank_suspects(given_), **how)  # type: ignore[arg-type]


def words(suspect: Suspect, part: Part) -> Contribution:
    """Return what is said of a part."""
    (found,) = (c for c in suspect.contributions if c.part == part)
    return found


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdefghijklm"),
            st.sampled_from(["latency", "cpu", "errors", "requests", "strange"]),
            st.floats(-20, 40),
        ),
        min_size=1,
        max_size=15,
        unique_by=lambda column: column[:2],
    ),
    st.booleans(),
)
def test_contributions_sum_up_and_come_largest_first(columns: list[Column], alert: bool) -> None:
    """Whatever moved: nobody without evidence is told, and each score is the sum of what is said."""
    given_ = replace(
        scene(*columns),
        calls=[("a", "b"), ("b", "c"), ("b", "d")],
        events=rollout("c", AT - 2),
        alert=Alert(service="a", kind="latency") if alert else None,
        logs=logs_of(*CALM_LINES, *((m, "d", "error", "no contacts found") for m in range(AT, AT + 5))),
    )
    found = told(given_)

    assert len(found) <= MOST_TOLD
    assert [s.score for s in found] == sorted((s.score for s in found), reverse=True)
    for suspect in found:
        evidence = [c.evidence for c in suspect.contributions]
        assert evidence == sorted(evidence, reverse=True)
        assert min(evidence) > 0
        assert sum(evidence) == pytest.approx(suspect.score)
        assert all(c.words for c in suspect.contributions)


def test_the_series_that_carries_a_part_is_told_with_its_levels() -> None:
    """The title where there is one, the unit, and the levels before the onset and since."""
    series = [replace(s, unit="seconds", query="q") for s in scene(*MIXED).metrics.series]
    values = np.full((40, len(series)), 2.0)
    values[AT:, 3] = 7.0
    (first,) = told(scene_of(values, series), titles={"latency": "mean latency"})
    latency = words(first, "latency")

    assert first.service == "cart"
    assert (latency.words, latency.series, latency.query) == ("mean latency 2 s -> 7 s", "latency{cart}", "q")
    assert latency.onset == NOTICED
    assert (first.series, first.onset) == (latency.series, latency.onset)


def test_a_finding_about_the_series_speaks_for_it() -> None:
    """A report says the same of a series in each of its places, and the finding knows its onset better."""
    finding = Finding(
        kind="shift",
        pillar="metrics",
        subject="cpu",
        service="cart",
        onset=NOTICED + 3 * STEP,
        words="CPU 10 % -> 50 %",
        query="q",
    )
    found = words(told(scene(*MIXED), findings=[finding])[0], "resources")

    assert (found.words, found.onset) == (finding.words, finding.onset)
    assert words(told(scene(*MIXED), findings=[replace(finding, kind="high")])[0], "resources").onset == NOTICED


def test_what_a_caller_measured_says_who_did() -> None:
    """A column about a call speaks against the callee; the reader is told whose view it is."""
    peer: Labels = (("server_address", "pay"),)
    series = (
        Series(signal="client_latency", unit="seconds", service="web", labels=peer),
        Series(signal="latency", unit="seconds", service="pay"),
    )
    given_ = replace(scene_of(matrix_of([("", "", 20.0), ("", "", 0.0)]), series), calls=(("web", "pay"),))
    found = words(told(given_)[0], "latency")

    assert found.words.startswith("client_latency (server_address=pay) ")
    assert found.words.endswith(", as web sees it")


def test_one_task_is_named() -> None:
    """Where a single task carries a part, it is said which."""
    series = [replace(s, task=f"{n}123456789abcdef") for n, s in enumerate(scene(*MIXED).metrics.series)]

    assert words(told(scene_of(matrix_of(MIXED), series))[0], "resources").words.endswith(", task 2123456789ab")


@pytest.mark.parametrize(
    ("share", "how"),
    [
        (60.0, "; its new task a-3 does worse than the older ones"),
        (float("nan"), "; its new tasks answer less than the older ones"),
    ],
)
def test_a_deployment_says_how_its_tasks_do(share: float, how: str) -> None:
    """When it began, and what its new tasks do that their elders do not."""
    values, series = tasks_of(a=share)
    found = words(told(replace(scene_of(values, series), events=rollout("a", AT - 2, "a-3")))[0], "change")

    assert found.words == f"it was deployed{how}"
    assert found.onset == BEGIN + (AT - 2) * STEP


def test_a_new_line_is_quoted_without_its_secret() -> None:
    """Whatever a line holds is redacted, also where it is the suspect's most telling series."""
    secret = "login of joe@example.com failed, password=hunter2"
    new = tuple((minute, "b", "error", secret) for minute in range(AT, 40))
    given_ = replace(scene(("a", "cpu", 0.0), ("b", "cpu", 0.0)), logs=logs_of(*CALM_LINES, *new))
    first = told(given_, redact=redact)[0]
    line = words(first, "logs")

    assert line.words.startswith('new error lines "login of [email] failed, ')
    assert line.words.endswith('" 0 -> 1.1 a minute')
    assert line.onset == NOTICED
    assert first.series == line.series
    assert not any(secret in repr(first) for secret in ("joe", "hunter2"))


@pytest.mark.parametrize("subject", ["no contacts found", "signature"])
def test_a_line_comes_with_the_query_of_its_finding(subject: str) -> None:
    """Found by its template, where the wording is not a known one."""
    new = tuple((minute, "b", "error", "no contacts found") for minute in range(AT, 40))
    given_ = replace(scene(("a", "cpu", 0.0), ("b", "cpu", 0.0)), logs=logs_of(*CALM_LINES, *new))
    finding = Finding(
        kind="new_template", pillar="logs", subject=subject, service="b", onset=NOTICED, words="", query="{service}"
    )
    query = words(told(given_, findings=[finding])[0], "logs").query

    assert query == ("{service}" if subject == "no contacts found" else "")


def test_the_way_from_the_alert_is_told_as_a_share() -> None:
    """Of all ways along the calls: what ends at each service sums up to the whole."""
    chain = (("web", "latency", 8.0), ("cart", "latency", 8.0), ("stock", "latency", 8.0))
    given_ = replace(
        scene(*chain), calls=(("web", "cart"), ("cart", "stock")), alert=Alert(service="web", kind="latency")
    )
    first = told(given_)[0]
    found = words(first, "path")

    assert first.service == "stock"
    assert found.words.endswith(" % of the ways from web to whoever is affected end here")
    assert int(found.words.split()[0]) == pytest.approx(50 * found.evidence, abs=0.6)
    assert (found.series, found.onset) == ("", None)


def test_what_is_not_passed_on_is_told_by_the_callee_that_misses_it() -> None:
    """The service itself is asked as before; the fallen traffic is another's."""
    columns = (("web", "requests", 0.0), ("cart", "requests", -7.0), ("mail", "requests", -7.0))
    found = told(replace(scene(*columns), calls=(("web", "cart"), ("web", "mail"))))
    withheld = words(next(s for s in found if s.service == "web"), "withheld")

    callee = withheld.words.rpartition(" of ")[2]
    assert withheld.words.startswith("it passes on less than it gets: requests 9.86 -> 2.61 of ")
    assert withheld.series == f"requests{{{callee}}}" == "requests{mail}"


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(len(MIXED))))
def test_words_do_not_depend_on_the_order_of_columns(order: list[int]) -> None:
    """The same scene is explained in the same words."""
    one = scene(*MIXED)
    other = scene_of(one.metrics.values[:, order], [one.metrics.series[i] for i in order])

    assert told(other) == told(one)


def unclear() -> Scenario:
    """Return an incident that no cause fits: retries after time-outs, and lines that hold a secret."""
    case = Scenario().becomes("http_latency_p95", 8).becomes("http_error_ratio", 0.5)
    case = case.becomes("http_requests", 25, after_seconds=60)
    return case.logs("basket {n} of joe@example.com could not be priced, token=sk_live_abcdefgh12345678")


def test_triage_explains_whom_it_blames() -> None:
    """No cause fits: the first suspect is the culprit, and every part of its score is told in words and units."""
    diagnosis = unclear().diagnosis()
    first = diagnosis.suspects[0]
    parts = {c.part: c for c in first.contributions}

    assert diagnosis.verdict == "no_clear_cause"
    assert diagnosis.culprit.service == first.service == "shop"
    assert parts["errors"].words.startswith("share of requests answered 5xx 0 % -> 50 %")
    assert parts["errors"].query
    assert parts["logs"].query.startswith('{service="shop"} |= ')
    assert abs(first.onset - diagnosis.onset) < timedelta(minutes=1) if first.onset and diagnosis.onset else False
    assert not any(secret in repr(diagnosis.suspects) for secret in ("joe", "sk_live"))


def test_where_a_cause_fits_or_all_is_calm_nobody_is_suspected() -> None:
    """A cause knows better than statistics; a calm window has no culprit."""
    pool = Scenario().becomes("db_pool_used_ratio", 1.4).errors().logs("database timeout")

    assert pool.diagnosis().verdict in ("cause_found", "possible")
    assert pool.diagnosis().suspects == Scenario().diagnosis().suspects == ()
