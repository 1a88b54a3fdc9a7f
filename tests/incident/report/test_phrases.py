"""The words that all faces share."""

from dataclasses import replace
from datetime import datetime, timedelta
from types import ModuleType
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.incident.report import as_html, as_markdown, as_text
from obskit.incident.report import phrases as say
from obskit.model import Claim, Part
from tests.support.diagnosis_example import ONSET, calm, example, unclear


@pytest.mark.parametrize(
    ("seconds", "span", "offset"),
    [
        (45, "45 s", "+00:45"),
        (750, "12 min 30 s", "+12:30"),
        (11100, "3 h 05 min", "+3:05:00"),
        (-90, "1 min 30 s", "-01:30"),
    ],
)
def test_spans_and_offsets(seconds: int, span: str, offset: str) -> None:
    """Spans name their units; offsets from the onset have a sign."""
    assert span == say.duration(timedelta(seconds=seconds))
    assert offset == say.relative(ONSET + timedelta(seconds=seconds), ONSET)


@given(st.integers(0, 3_000_000), st.integers(0, 3_000_000))
def test_offsets_and_spans_are_those_of_the_printed_times(origin: int, later: int) -> None:
    """A reader who subtracts the one clock from the other gets what is printed beside it, to the second."""
    began, moment = (ONSET.replace(minute=0, second=0) + timedelta(milliseconds=ms) for ms in (origin, later))
    clocks = [datetime.strptime(say.clock(at), "%H:%M:%SZ") for at in (began, moment)]
    span = clocks[1] - clocks[0]

    assert say.relative(moment, began) == say.relative(ONSET + span, ONSET)
    assert say.between(began, moment) == say.duration(span)


@pytest.mark.parametrize(
    ("before", "after", "words"), [(0.0, 91.7, "0 → 91.7"), (536.0, 536.0, "536"), (290.9, 291.4, "291")]
)
def test_no_rate_is_printed_twice(before: float, after: float, words: str) -> None:
    """Of a steady template there is one rate."""
    template = replace(example().log_templates[0], before=before, after=after)

    assert words == say.rates(template)


def test_stops_of_the_same_tasks_are_told_once() -> None:
    """That tasks were killed, and that they are caught in a loop, is one line; stops of others stay theirs."""
    stopped = next(f for f in example().timeline if f.kind == "task_stop")
    stop = replace(stopped, task="", count=6, words="6 tasks of shop were killed (exit code 137)")
    loop = replace(stop, kind="crash_loop", words="6 tasks of shop stopped abnormally within 49 s")
    other = replace(loop, service="orders", words="6 tasks of orders stopped abnormally within 49 s")
    fewer = replace(loop, count=5, words="5 tasks of shop stopped abnormally within 49 s")
    again = replace(stop, words="6 tasks of shop failed their health checks")
    told = [f.words for f in say.told_once((loop, stop, other, fewer))]

    assert told == [
        "6 tasks of shop were killed (exit code 137); stopped abnormally within 49 s",
        "6 tasks of orders stopped abnormally within 49 s",
        "5 tasks of shop stopped abnormally within 49 s",
    ]
    assert say.told_once((stop, again)) == [stop, again]
    assert say.told_once(example().timeline) == list(example().timeline)


@pytest.mark.parametrize(("weight", "word"), [(4.6, "verdict"), (-3.0, "strong"), (1.3, "telling"), (0.0, "hint")])
def test_weights_have_words(weight: float, word: str) -> None:
    """The steps that `obskit.model.Claim` names are the words a reader sees, on both sides."""
    assert word == say.strength(Claim(words="", weight=weight))


def test_the_telling_findings_keep_the_first_and_each_kind() -> None:
    """However few are shown, the earliest is among them, kinds take turns, and time runs forward."""
    timeline = example().timeline
    shown = say.telling(timeline, 6)

    assert timeline[0] == shown[0]
    assert {"shift", "signature", "surge", "task_stop", "message"} & {f.kind for f in shown[1:]}
    assert sorted(f.onset for f in shown) == [f.onset for f in shown]
    assert len(shown) == 6
    assert list(timeline) == sorted(say.telling(timeline, 99), key=timeline.index)


def test_levels_are_left_out_where_they_mean_nothing() -> None:
    """An event has no level; a series that did not exist before came from nothing."""
    finding = example().timeline[2]

    assert say.levels(finding) == "0.18 s → 5.02 s, worst 5.31 s"
    assert say.levels(replace(finding, before=float("nan"), peak=float("nan"))) == "nothing → 5.02 s"
    assert say.levels(replace(finding, after=float("nan"))) == ""


def test_ids_read_as_words_and_other_text_stays() -> None:
    """``db_pool_exhausted`` is for machines; words that are words already are left alone."""
    assert say.readable("db_pool_exhausted") == "DB pool exhausted"
    assert say.readable("Already_in Words") == "Already_in Words"


@pytest.mark.parametrize("face", [as_text, as_markdown, as_html])
def test_a_cause_has_one_name_on_every_face(face: ModuleType) -> None:
    """Whoever explains another, is brought about or was not judged is called by its title; an id is for machines."""
    base = example()
    first = replace(base.hypotheses[0], brings_about=("cpu_saturation",))
    others = (base.hypotheses[1], replace(base.hypotheses[2], explained_by="slow_queries"))
    titles = {
        "node_pressure": "the node is under pressure",
        "cpu_saturation": "no CPU left",
        "slow_queries": "it waits",
    }
    told = face.render(replace(base, hypotheses=(first, *others), cause_titles=titles))

    assert all(words in told for words in ("the node is under pressure", "no CPU left", "follows from: it waits"))
    assert not any(say.readable(name) in told for name in ("node_pressure", "cpu_saturation"))


@pytest.mark.parametrize(
    ("explained_by", "reason_of", "words"),
    [
        ("", "", ""),
        ("db_pool_exhausted", "", "follows from the first"),
        ("slow_queries", "", "follows from: Slow queries"),
        ("db_pool_exhausted", "db_pool_exhausted", "the reason behind the first"),
        ("slow_queries", "slow_queries", "the reason behind: Slow queries"),
        ("slow_queries", "db_pool_exhausted", "the reason behind the first"),
        ("", "db_pool_exhausted", "the reason behind the first"),
        ("db_pool_exhausted", "slow_queries", "follows from the first"),
    ],
)
def test_the_reason_behind_a_cause_does_not_follow_from_it(explained_by: str, reason_of: str, words: str) -> None:
    """What a cause names as its reason comes before it; every face says so in the same words."""
    base = example()
    told = base.hypotheses[2]
    others = [
        replace(h, judgement=replace(h.judgement, reason_cause=told.cause)) if h.cause == reason_of else h
        for h in base.hypotheses
    ]
    others[2] = replace(told, explained_by=explained_by)
    diagnosis = replace(base, hypotheses=tuple(others[:3]), cause_titles={"slow_queries": "Slow queries"})

    assert say.follows(others[2], diagnosis) == words
    for face in (as_text, as_markdown, as_html):
        assert (words in face.render(diagnosis), "follows from" in face.render(diagnosis)) == (
            True,
            words.startswith("follows"),
        )


@pytest.mark.parametrize("face", [as_text, as_markdown, as_html])
def test_a_timeline_says_whose_the_findings_of_others_are(face: ModuleType) -> None:
    """Two services that fell silent are two; of the asked one it goes without saying."""
    base = example()
    silent = [replace(base.timeline[0], words="log volume 284 -> 0", service=name) for name in ("orders", "demo-app")]
    told = face.render(replace(base, timeline=tuple(silent)))

    assert "orders: log volume 284" in told
    assert "demo-app: log volume" not in told


def test_every_part_of_an_account_has_words() -> None:
    """No name of the engine's own reaches a reader."""
    assert set(say.PARTS) == set(get_args(Part))


def test_who_is_far_behind_is_no_suspect_of_a_report() -> None:
    """The first few, and none with less than a tenth of the first's score."""
    assert [s.service for s in say.suspects(unclear())] == ["auth", "demo-app"]
    assert say.suspects(calm()) == []


@given(st.integers(0, 8), st.integers(0, 2))
def test_what_is_told_and_what_is_left_out_sum_up_to_the_score(limit: int, which: int) -> None:
    """A reader can check the sum."""
    suspect = unclear().suspects[which]
    told, rest = say.contributions(suspect, limit)

    assert len(told) <= limit
    assert sum(c.evidence for c in told) + rest == pytest.approx(suspect.score)


@pytest.mark.parametrize(("nats", "words"), [(2.94, "+2.9"), (0.05, "+0.1"), (0.004, "+<0.1")])
def test_evidence_is_never_nothing_by_rounding(nats: float, words: str) -> None:
    """One decimal; what is smaller says so."""
    assert say.evidence(nats) == words
