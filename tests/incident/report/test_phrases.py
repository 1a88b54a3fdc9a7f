"""The words that all faces share."""

from dataclasses import replace
from datetime import timedelta

import pytest

from obskit.incident.report import _phrases as say
from obskit.model import Claim
from tests.support.diagnosis_example import ONSET, example


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0 %"), (0.004, "<1 %"), (0.934, "93 %"), (0.999, "99 %"), (1.0, "100 %"), (float("nan"), "? %")],
)
def test_a_share_is_neither_nothing_nor_certain_by_rounding(share: float, words: str) -> None:
    """A small share is not 0 %, and only all is 100 %."""
    assert words == say.percent(share)


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
