"""How many mistakes in alert rules their tests notice: each one made on purpose, one at a time.

Run it by hand: ``python tests/bench/bench_mutations.py [HOW_MANY] [SEED]``. By default 300 are drawn from
all by seed 1; 0 takes all. It takes about a quarter of a second a mistake on one core; promtool evaluates
every rule in all of its tests.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from obskit.ascode.alerts.expression import Writer
from obskit.ascode.alerts.load import load, load_cases
from obskit.ascode.alerts.testing import Mutation, mutations, survivors
from obskit.settings import Settings

ALERTS = Path(__file__).resolve().parents[2] / "alerts"


def kind_of(one: Mutation) -> str:
    """Return the kind of a mistake: a dropped condition whatever its signal."""
    return "condition dropped" if one.what.startswith("condition") else one.what


def tell(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


def main(most: int, seed: int) -> None:
    """Print what share of the mistakes is noticed, by kind, and those that are not."""
    files, _ = load(ALERTS)
    tests, _ = load_cases(ALERTS)
    every = mutations(files, tests, Writer(settings=Settings()))
    drawn = random.Random(seed).sample(every, most) if 0 < most < len(every) else list(every)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="obskit-") as place:
        unnoticed = survivors(drawn, Path(place))
    of, left = Counter(map(kind_of, drawn)), Counter(map(kind_of, unnoticed))
    for kind, count in sorted(of.items()):
        tell(f"{kind:<20} {count - left[kind]:4} of {count:4} noticed")
    noticed = len(drawn) - len(unnoticed)
    tell(f"{noticed} of {len(drawn)} noticed ({noticed / len(drawn):.1%}), of {len(every)} that can be made")
    for one in unnoticed:
        tell(f"  not noticed: {one.alert}: {one.what}")
    tell(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:3]]
    main(*(given + [300, 1][len(given) :]))
