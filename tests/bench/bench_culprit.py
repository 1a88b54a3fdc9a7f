"""How well and how fast services and series are blamed, beside BARO and N-Sigma in the same run.

Run it by hand: ``python tests/bench/bench_culprit.py FOLDER``, where FOLDER holds ``harness.py`` and
``cases/``. Prints the harness's tables, what each part is worth, the spread over data sets, late and early
alerts, and the time for 10,000 series.

BARO and N-Sigma are those of the package fse-baro where it can be imported. Elsewhere they are written
after their published formulas, and the table says so. BARO (Pham, Ha and Zhang, 2024): each series is centred
on the median before the alert and divided by its interquartile range; its score is the largest value since.
N-Sigma: the same with mean and standard deviation. Series that are constant before the alert are left out.
"""

from __future__ import annotations

import importlib
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from obskit.incident.blame.ranking import WEIGHTS, rank_suspects
from obskit.incident.blame.scene import PARTS, Ranking, Scene
from obskit.model import Metrics, Series
from tests.bench.rca import rank, scene

POINTS, COLUMNS, ONSET = 240, 10_000, 180
SHIFTS = (-60, 60, 300)
#: The generated incidents, whose chance level is high: reported apart from the recorded ones.
APART = "rootcausebench"
#: Weightings that leave-one-data-set-out chooses among.
WEIGHTINGS: Mapping[str, Mapping[str, float]] = {
    "shipped": WEIGHTS,
    "all equal": dict.fromkeys(PARTS, 1.0),
    "path 4": {**WEIGHTS, "path": 4.0},
    "logs 4": {**WEIGHTS, "logs": 4.0},
    "change 4": {**WEIGHTS, "change": 4.0},
    "resources 2": {**WEIGHTS, "resources": 2.0},
    "latency 2": {**WEIGHTS, "latency": 2.0},
}
Ranker = Callable[..., list[str]]


def _by_formula(frame: pd.DataFrame, alert: float, *, robust: bool) -> list[str]:
    before, after = frame[frame.index < alert].to_numpy(float), frame[frame.index >= alert].to_numpy(float)
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # columns without samples
        centre, spread = np.nanmean(before, axis=0), np.nanstd(before, axis=0)
        varies = spread > 0
        if robust:
            q25, centre, q75 = np.nanquantile(before, (0.25, 0.5, 0.75), axis=0)
            spread = np.where(q75 > q25, q75 - q25, spread)
        score = np.nanmax((after - centre) / spread, axis=0)
    score = np.where(varies & np.isfinite(score), score, -np.inf)  # constant series are left out
    return [frame.columns[i] for i in np.argsort(-score, kind="stable")]


def baro_formula(frame: pd.DataFrame, alert: float) -> list[str]:
    """Rank series as BARO does, after its published formula."""
    return _by_formula(frame, alert, robust=True)


def nsigma_formula(frame: pd.DataFrame, alert: float) -> list[str]:
    """Rank series as N-Sigma does, by their largest z-score."""
    return _by_formula(frame, alert, robust=False)


def references() -> tuple[str, dict[str, Ranker]]:
    """Return where BARO and N-Sigma come from, and the two of them."""
    try:
        found = importlib.import_module("baro.root_cause_analysis")
    except ImportError:
        return "own, after the published formulas", {"BARO": baro_formula, "N-Sigma": nsigma_formula}

    def of(name: str) -> Ranker:
        def ranked(frame: pd.DataFrame, alert: float) -> list[str]:
            table = frame.reset_index(names="time").ffill().fillna(0)
            return list(getattr(found, name)(table, inject_time=alert)["ranks"])

        return ranked

    return "fse-baro", {"BARO": of("robust_scorer"), "N-Sigma": of("nsigma")}


def say(text: str = "") -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")


def avg5(order: Sequence[str], truth: str) -> tuple[float, float]:
    """Return Avg@5 and AC@1 of a ranking of services."""
    place = list(order).index(truth) + 1 if truth in order else 99
    return sum(place <= k for k in range(1, 6)) / 5, float(place == 1)


Scored = Mapping[str, Sequence[tuple[float, float]]]


def macro(scored: Scored) -> npt.NDArray[np.float64]:
    """Return the mean over data sets, the one that is apart left out."""
    means = [np.mean(values, axis=0) for name, values in scored.items() if name != APART]
    return np.asarray(np.mean(means, axis=0), np.float64)


def told(label: str, scored: Scored) -> None:
    """Print one line of scores."""
    each = " ".join(f"{name} {np.mean(values, axis=0)[0]:.2f}" for name, values in sorted(scored.items()))
    mean = macro(scored)
    say(f"  {label:<14} Avg@5 {mean[0]:.3f} AC@1 {mean[1]:.3f} | {each}")


def weighted(found: Ranking, weights: Mapping[str, float]) -> list[str]:
    """Return the services in the order that other weights give; *found* was ranked with all of them 1."""
    scores = {s.service: sum(weights.get(part, 0.0) * v for part, v in s.parts.items()) for s in found.suspects}
    return sorted(scores, key=lambda name: (-scores[name], name))


Case = tuple[str, str, str, Scene]


def score(ranked: Sequence[tuple[Case, Ranking]], weights: Mapping[str, float]) -> dict[str, list[tuple[float, float]]]:
    """Return the scores by data set."""
    scored = defaultdict(list)
    for (dataset, _, truth, _), found in ranked:
        scored[dataset].append(avg5(weighted(found, weights), truth))
    return dict(scored)


def quality(cases: Sequence[Case]) -> None:
    """Print ablation, cross-validation and the effect of the alert's time."""
    plain = dict.fromkeys(PARTS, 1.0)
    ranked = [(case, rank_suspects(case[3], weights=plain)) for case in cases]
    say("\neach part removed in turn (macro of the recorded data sets)")
    told("all parts", score(ranked, WEIGHTS))
    for part in PARTS:
        told(f"no {part}", score(ranked, {**WEIGHTS, part: 0.0}))
    say(f"\nweights chosen on the other data sets, among {len(WEIGHTINGS)} weightings only; the rest of the rules and")
    say("their constants were made with all of these data sets in sight, so this is no estimate for new ones")
    datasets = sorted({case[0] for case in cases} - {APART})
    held_out = []
    for left in datasets:
        others = [pair for pair in ranked if pair[0][0] not in (left, APART)]
        best = max(WEIGHTINGS, key=lambda name: macro(score(others, WEIGHTINGS[name]))[0])
        value = np.mean(score([p for p in ranked if p[0][0] == left], WEIGHTINGS[best])[left], axis=0)
        held_out.append(value)
        say(f"  {left:<14} Avg@5 {value[0]:.3f} AC@1 {value[1]:.3f} with {best}")
    means, spread = np.mean(held_out, axis=0), np.std(held_out, axis=0)
    say(f"  mean Avg@5 {means[0]:.3f} (spread {spread[0]:.3f}), AC@1 {means[1]:.3f} (spread {spread[1]:.3f})")
    folds = defaultdict(list)
    for pair in ranked:
        if pair[0][0] != APART:
            folds[sum(pair[0][1].encode()) % 5].append(pair)
    by_fold = [macro(score(fold, WEIGHTS))[0] for fold in folds.values()]
    say(f"  over five folds of whole strata: Avg@5 {np.mean(by_fold):.3f}, spread {np.std(by_fold):.3f}")
    say("\nthe alert at another time")
    for shift in SHIFTS:
        moved = [(d, g, t, replace(s, noticed=s.noticed + timedelta(seconds=shift))) for d, g, t, s in cases]
        told(f"{shift:+d} s", score([(case, rank_suspects(case[3], weights=plain)) for case in moved], WEIGHTS))


def best_of(call: Callable[[], object], times: int) -> float:
    """Return the shortest of some runs, seconds."""
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begin)
    return min(taken)


def speed(reference: Ranker, origin: str) -> None:
    """Print how long 10,000 series take, ours and BARO's."""
    random = np.random.default_rng(0)
    values = random.normal(10, 1, (POINTS, COLUMNS))
    values[ONSET:, ::97] += 5
    seconds = 1_700_000_000 + 15 * np.arange(POINTS)
    series = tuple(Series(signal=f"m{i % 20}", unit="count", service=f"s{i // 20}") for i in range(COLUMNS))
    metrics = Metrics(times=(seconds * 10**9).astype("datetime64[ns]"), values=values, series=series)
    kinds = [("latency", "cpu", "memory", "errors", "traffic")[i % 5] for i in range(COLUMNS)]
    large = Scene(metrics=metrics, kinds=kinds, noticed=datetime.fromtimestamp(int(seconds[ONSET]), UTC))
    frame = pd.DataFrame(values, index=seconds, columns=[f"{s.service}_{s.signal}" for s in series])
    ours = best_of(lambda: rank_suspects(large), 5)
    theirs = best_of(lambda: reference(frame, float(seconds[ONSET])), 1)
    copied = best_of(lambda: np.sort(values.astype(np.float32), axis=0), 3)
    say(f"\n{COLUMNS} series of {POINTS} points: ours {1000 * ours:.0f} ms, BARO ({origin}) {1000 * theirs:.0f} ms,")
    say(f"  BARO / ours {theirs / ours:.0f}, ours / sorting the matrix in single precision {ours / copied:.1f}")


def cases_of(harness: ModuleType, folder: Path) -> tuple[list[Any], list[Case]]:
    """Return the harness's cases, and the same in the model."""
    loaded = harness.load(folder / "cases")
    return loaded, [
        (c.dataset, f"{c.dataset}|{t.fault_key}", t.service, scene(c.metrics(), c.inject_time, c)) for c, t in loaded
    ]


def main() -> None:
    """Print everything."""
    folder = Path(sys.argv[1])
    sys.path.insert(0, str(folder))
    harness = importlib.import_module("harness")
    origin, others = references()
    loaded, cases = cases_of(harness, folder)
    for name, ranker in {"ours": rank, **others}.items():
        say(f"\n== {name}" + ("" if name == "ours" else f" ({origin})"))
        say(harness.report(harness.evaluate(ranker, loaded)))
    quality(cases)
    speed(others["BARO"], origin)


if __name__ == "__main__":
    main()
