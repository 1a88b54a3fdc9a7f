"""Fitting probabilities: what is learnt, what is refused, what it is worth."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from obskit.errors import UsageError
from obskit.evaluation.corpus import find
from obskit.evaluation.fit import Sample, fit, quality, sample, samples_of
from obskit.evaluation.label import Label
from obskit.incident.calibration import AS_SET, Calibration
from tests.support.labelled import corpus, pool, write
from tests.support.scenario import Scenario

CAUSES = ("disk_full", "cpu_saturation", "memory_leak", "tls_failure")


def drawn(count: int, *, temperature: float, unknown: float = 0.0, seed: int = 1) -> list[Sample]:
    """Return samples of an engine whose scores are *temperature* times too sure, of twelve families."""
    rng = random.Random(seed)
    held = []
    for n in range(count):
        scored = sorted(((cause, rng.gauss(0, 4)) for cause in CAUSES), key=lambda one: -one[1])
        shares, _ = Calibration(temperature=temperature, unknown=unknown).shares([score for _, score in scored])
        truth = rng.choices([*(cause for cause, _ in scored), "none"], [*shares, 1 - sum(shares)])[0]
        held.append(sample(f"x_{n}", Label(cause=truth, family=f"family {n % 12}"), scored))
    return held


@pytest.mark.parametrize(("temperature", "unknown"), [(1.0, 0.0), (2.5, 0.0), (1.6, 1.5)])
def test_what_the_scores_were_drawn_with_is_found_again(temperature: float, unknown: float) -> None:
    """On many incidents the two numbers come out as they went in."""
    found = fit(drawn(1500, temperature=temperature, unknown=unknown)).calibration

    assert found.temperature == pytest.approx(temperature, rel=0.1)
    assert found.unknown == pytest.approx(unknown, abs=0.25)


def test_an_engine_that_is_too_sure_gains_on_what_the_fit_never_saw() -> None:
    """Cross-validated scores fall, and the bins come nearer to the truth."""
    fitted = fit(drawn(120, temperature=3.0))

    assert not fitted.is_worse
    assert fitted.after.log_loss < fitted.before.log_loss
    assert fitted.after.brier < fitted.before.brier
    assert fitted.after.error < fitted.before.error
    assert fitted.temperatures[0] <= fitted.calibration.temperature <= fitted.temperatures[1]


def test_what_is_already_calibrated_gains_nothing() -> None:
    """Two numbers learnt from thirty incidents cost a little where there is nothing to learn."""
    assert fit(drawn(40, temperature=1.0, seed=3)).is_worse


def test_the_same_samples_in_any_order_give_the_same_calibration() -> None:
    """A file that is written twice is the same file."""
    samples = drawn(60, temperature=2.0)
    shuffled = random.Random(5).sample(samples, len(samples))

    assert fit(shuffled).calibration.temperature == pytest.approx(fit(samples).calibration.temperature, abs=1e-3)
    assert fit(samples) == fit(samples)


def test_a_family_never_teaches_its_own_examination() -> None:
    """A family in which everything is the other way round is judged by what the others teach."""
    usual = drawn(60, temperature=1.0)
    odd = [sample(f"odd_{n}", Label(cause="disk_full", family="odd"), [("tls_failure", 8.0)]) for n in range(20)]
    together, apart = fit([*usual, *odd]), fit(usual)

    # What the odd family itself would be judged with is what the usual ones alone teach.
    assert apart.calibration.temperature in together.temperatures
    assert together.calibration.temperature > apart.calibration.temperature


def test_a_corpus_that_is_nearly_always_right_makes_nobody_certain() -> None:
    """With n incidents no more can be earned than about 1 in n."""
    scored = [("disk_full", 12.0), ("cpu_saturation", -2.0)]
    held = [sample(f"a_{n}", Label(cause="disk_full", family=f"f{n % 6}"), scored) for n in range(24)]
    held += [sample("b", Label(cause="memory_leak", family="f0"), [("memory_leak", -1.0), ("disk_full", -1.5)])]
    held += [sample("c", Label(cause="none", family="f1"), [("disk_full", -1.5)])]
    (earned, _), _ = fit(held).calibration.shares([12.0, -2.0])
    (said, _), _ = AS_SET.shares([12.0, -2.0])

    assert 0.9 < earned < 1 - 1 / (2 * len(held)) < said


def several(cause: str, first: str, count: int, *, families: int = 6, score: float = 3.0) -> list[Sample]:
    """Return samples of one cause with one answer."""
    label = Label(cause=cause)
    return [
        Sample(name=f"{n}", family=f"{n % families}", cause=cause, scores=(score,), right=(first in label.right,))
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([], "incidents: 0, 20 are needed"),
        (several("disk_full", "disk_full", 19), "incidents: 19, 20 are needed"),
        (several("none", "disk_full", 40), "incidents: 0, 20 are needed"),
        (several("disk_full", "disk_full", 40, families=4), "families: 4, 5 are needed"),
        (several("disk_full", "disk_full", 30), "the same cause"),
        (
            several("disk_full", "disk_full", 15) + several("tls_failure", "tls_failure", 15),
            "right in all 30 recordings",
        ),
        (several("disk_full", "x", 15) + several("tls_failure", "x", 15), "wrong in all 30 recordings"),
    ],
)
def test_what_nothing_can_be_learnt_from_is_refused(samples: list[Sample], words: str) -> None:
    """Too few, one cause, or one outcome: the message says which, and what to add."""
    with pytest.raises(UsageError) as refused:
        fit(samples)

    assert words in " ".join(str(refused.value).split())
    assert refused.value.hint


def test_quality_by_hand() -> None:
    """The truth's share for the log loss, the first cause's for the Brier score; else the unknown's."""
    right = sample("a", Label(cause="disk_full"), [("disk_full", 1.0), ("tls_failure", 0.0)])
    absent = sample("b", Label(cause="memory_leak"), [("disk_full", 0.0)])
    held = quality([(right, AS_SET), (absent, AS_SET)])
    first = math.e / (math.e + 2)

    assert held.log_loss == pytest.approx((-math.log(first) - math.log(0.5)) / 2)
    assert held.brier == pytest.approx(((1 - first) ** 2 + 0.25) / 2)


def test_every_acceptable_cause_counts_for_the_truth() -> None:
    """What is given to either of two right answers is not lost."""
    label = Label(cause="memory_exhausted", acceptable=("memory_leak",))
    held = sample("a", label, [("memory_exhausted", 0.0), ("memory_leak", 0.0)])

    assert quality([(held, AS_SET)]).log_loss == pytest.approx(-math.log(2 / 3))


def test_samples_hold_the_scores_of_every_recording_in_which_anything_spoke(tmp_path: Path) -> None:
    """The unlikely ones as well; a damaged recording fails alone, one without any hint teaches nothing."""
    corpus(tmp_path)
    write(tmp_path / "cut.obskit", pool(), label={"cause": "db_pool_exhausted"}).write_bytes(b"")
    samples, failed = samples_of(find([tmp_path]), tell=lambda _: None)

    by_name = {one.name: one for one in samples}
    assert by_name["pool_1"].right[0] is True
    assert by_name["pool_1"].family == "pool"
    assert list(by_name["pool_1"].scores) == sorted(by_name["pool_1"].scores, reverse=True)
    assert not any(by_name["batch_1"].right)
    assert "disk_1" not in by_name
    assert [one.name for one in failed] == ["cut"]


def test_a_window_that_is_called_calm_teaches_nothing(tmp_path: Path) -> None:
    """No probability is said of it, though single causes have a little for them."""
    write(tmp_path / "calm.obskit", Scenario(), label={"cause": "none"})
    write(tmp_path / "pool.obskit", pool(), label={"cause": "db_pool_exhausted"})
    samples, failed = samples_of(find([tmp_path]), tell=lambda _: None)

    assert [one.name for one in samples] == ["pool"]
    assert not failed
