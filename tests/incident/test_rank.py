"""Ranking: probabilities, explaining away, independent faults."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.incident.rank import brought_about, rank
from obskit.model import Claim, Judgement

_T0 = datetime(2026, 1, 31, 3, 12, tzinfo=UTC)
_RESOLUTION = timedelta(seconds=10)


def judgement(cause: str, *weights: float, at: float | None = 0.0) -> Judgement:
    """Return a judgement with these weights, begun *at* seconds after T0."""
    return Judgement(
        cause=cause,
        claims_for=tuple(Claim(words="for", weight=w) for w in weights if w > 0),
        claims_against=tuple(Claim(words="against", weight=w) for w in weights if w <= 0),
        onset=None if at is None else _T0 + timedelta(seconds=at),
        service="shop",
    )


_judgements = st.lists(
    st.builds(
        judgement,
        st.sampled_from("abcdefgh"),
        st.floats(0.1, 9),
        st.floats(-6, 0),
        at=st.one_of(st.none(), st.floats(-600, 600)),
    ),
    max_size=8,
    unique_by=lambda j: j.cause,
)
_graphs = st.dictionaries(st.sampled_from("abcdefgh"), st.lists(st.sampled_from("abcdefgh"), max_size=8), max_size=8)


@given(_judgements, _graphs)
def test_probabilities_and_the_unknown_share_sum_to_one(
    judgements: list[Judgement], graph: dict[str, list[str]]
) -> None:
    """Whatever explains whatever, no probability is negative and all together are 1."""
    ranked, unknown = rank(judgements, brings_about=graph, resolution=_RESOLUTION)

    assert len(judgements) == len(ranked)
    assert all(0 < r.probability < 1 for r in ranked)
    assert sum(r.probability for r in ranked) + unknown == pytest.approx(1)


@given(_judgements, _graphs)
def test_the_order_of_judgements_does_not_matter(judgements: list[Judgement], graph: dict[str, list[str]]) -> None:
    """The same evidence gives the same ranking, in whatever order causes were judged."""
    assert rank(judgements, brings_about=graph, resolution=_RESOLUTION) == rank(
        judgements[::-1], brings_about=graph, resolution=_RESOLUTION
    )


@given(_judgements)
def test_without_explanations_more_evidence_never_ranks_lower(judgements: list[Judgement]) -> None:
    """With no cause bringing another about, the order is that of the scores."""
    ranked, _ = rank(judgements, brings_about={}, resolution=_RESOLUTION)
    scores = [r.judgement.score for r in ranked]

    assert sorted(scores, reverse=True) == scores


def test_nothing_judged_leaves_everything_unknown() -> None:
    """Without a judgement the unknown share is all there is."""
    assert rank([], brings_about={}, resolution=_RESOLUTION) == ((), 1.0)


def test_a_cause_that_began_before_takes_the_weight_of_what_it_brings_about() -> None:
    """The pool that ran out first explains the CPU that rose later, although the CPU's evidence is stronger."""
    ranked, _ = rank(
        [judgement("pool", 3, 1.5, at=0), judgement("cpu", 3, 3, at=60)],
        brings_about={"pool": ["cpu"]},
        resolution=_RESOLUTION,
    )

    assert [r.judgement.cause for r in ranked] == ["pool", "cpu"]
    assert ranked[1].explained_by == "pool"
    assert ranked[0].probability > 10 * ranked[1].probability


def test_what_began_later_explains_nothing_that_was_there_before() -> None:
    """Onset order counts: a surge a minute after the CPU rose did not bring it about."""
    ranked, _ = rank(
        [judgement("surge", 3, at=90), judgement("cpu", 3, at=0)],
        brings_about={"surge": ["cpu"]},
        resolution=_RESOLUTION,
    )

    assert [r.explained_by for r in ranked] == ["", ""]


def test_a_weak_cause_does_not_explain_a_strong_one_away() -> None:
    """A hint is no reason to doubt a verdict."""
    ranked, _ = rank(
        [judgement("hint", 2.6), judgement("verdict", 4.5, 3)],
        brings_about={"hint": ["verdict"]},
        resolution=_RESOLUTION,
    )

    assert ranked[0].judgement.cause == "verdict"
    assert ranked[0].explained_by == ""


def test_of_two_that_bring_each_other_about_the_earlier_wins() -> None:
    """A loop of explanations is cut by the onsets."""
    ranked, _ = rank(
        [judgement("a", 4, at=0), judgement("b", 4.2, at=120)],
        brings_about={"a": ["b"], "b": ["a"]},
        resolution=_RESOLUTION,
    )

    assert ranked[0].judgement.cause == "a"
    assert ranked[1].explained_by == "a"


def test_two_unrelated_strong_causes_are_two_findings() -> None:
    """Two faults at once are reported as two, not as a compromise."""
    ranked, _ = rank([judgement("disk", 4.5, 1.5), judgement("tls", 4.5, 0.7)], brings_about={}, resolution=_RESOLUTION)

    assert [r.independent for r in ranked] == [False, True]


@given(_judgements, _graphs, st.randoms(use_true_random=False))
def test_no_two_causes_are_said_to_bring_each_other_about(
    judgements: list[Judgement], graph: dict[str, list[str]], random: Random
) -> None:
    """Nor does any bring about its own reason, what it follows from, or what was not seen."""
    judgements = [replace(j, reason_cause=random.choice("abcdefgh")) for j in judgements]
    ranked, _ = rank(judgements, brings_about=graph, resolution=_RESOLUTION)
    told = {r.judgement.cause: brought_about(r, ranked, graph) for r in ranked}
    seen = {j.cause for j in judgements if j.score > 0}

    assert not any(one in told.get(other, ()) for one, others in told.items() for other in others if one != other)
    assert not any({r.judgement.reason_cause, r.explained_by} & set(told[r.judgement.cause]) for r in ranked)
    assert all(seen.issuperset(others) for others in told.values())


def test_a_cause_does_not_bring_about_its_own_reason() -> None:
    """Kills that are put down to a leak do not bring the leak about; a full CPU that they end in they do."""
    killed = replace(judgement("killed", 4.5, 3), reason_cause="leak")
    graph = {"killed": ["leak", "cpu", "disk"], "leak": ["killed"]}
    ranked, _ = rank([killed, judgement("leak", 1), judgement("cpu", 1)], brings_about=graph, resolution=_RESOLUTION)

    assert ranked[0].judgement.cause == "killed"
    assert [brought_about(r, ranked, graph) for r in ranked] == [("cpu",), (), ()]
