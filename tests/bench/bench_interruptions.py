"""Whether a stack comes to what is wanted whichever call of an apply or a destroy goes wrong, and how.

Run it by hand: ``python tests/bench/bench_interruptions.py [--modes kill,500,throttle] [--runs apply,destroy]
[--spec lean] [--every 1] [--from 0] [--processes 2]``. A mode's name stands for itself and for what begins with
it: ``kill`` is also ``kill-after``. Every call of the run is spoilt once in every mode, in an account of its own;
with all of them that is some thousand runs of about two seconds each.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support.deployed import everything_spec, lean_spec
from tests.support.interruptions import MODES, Counts, Tried, applying, destroying, uninterrupted
from tests.support.stack import example_spec

SPECS: Final = {"lean": lean_spec, "example": example_spec, "everything": everything_spec}
Job = tuple[str, str, str, int, Counts]


def tell(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def attempt(job: Job) -> tuple[str, Tried]:
    """Do one run; a defect of the run itself is what was wrong."""
    spec, run, mode, position, counts = job
    wanted = SPECS[spec]()
    try:
        if run == "apply":
            return run, applying(wanted, mode, position, counts)
        return run, destroying(wanted, mode, position)
    except Exception as error:  # whatever it is, it is the result
        return run, Tried(mode, position, "", ("failed",), f"{type(error).__name__}: {error}")


def jobs(given: argparse.Namespace) -> Iterator[Job]:
    """Yield all runs that are asked for."""
    counts, apply_calls, destroy_calls = uninterrupted(SPECS[given.spec]())
    length = {"apply": apply_calls, "destroy": destroy_calls}
    tell(f"{given.spec}: {apply_calls} calls to apply, {destroy_calls} to destroy")
    asked = given.modes.split(",")
    for run in given.runs.split(","):
        for mode in MODES:
            if any(mode == one or mode.startswith(f"{one}-") for one in asked):
                for position in range(given.first, length[run], given.every):
                    yield given.spec, run, mode, position, counts


def summary(results: list[tuple[str, Tried]]) -> Iterator[str]:
    """Yield the lines of the table, then what went wrong, most frequent first."""
    yield f"{'run':<8} {'mode':<12} {'calls':>6} {'same run':>9} {'next run':>9} {'wrong':>6}"
    rows = Counter((run, one.mode, _end(one)) for run, one in results)
    for run, mode in dict.fromkeys((run, one.mode) for run, one in results):
        same, following, wrong = (rows[run, mode, end] for end in ("same", "next", "wrong"))
        yield f"{run:<8} {mode:<12} {same + following + wrong:6} {same:9} {following:9} {wrong:6}"
    reasons: dict[tuple[str, str, str, str], list[int]] = {}
    for run, one in results:
        if one.wrong:
            reasons.setdefault((run, one.mode, one.call, one.wrong), []).append(one.position)
    for reason, positions in sorted(reasons.items(), key=lambda item: -len(item[1])):
        yield f"{len(positions)} x {' '.join(reason[:3])} ({', '.join(map(str, positions[:8]))}):"
        yield from (f"    {line}" for line in reason[3].splitlines()[:12])


def _end(one: Tried) -> str:
    if one.wrong:
        return "wrong"
    return "next" if one.first else "same"


def main() -> int:
    """Run; 1 when something did not come to what is wanted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--runs", default="apply,destroy")
    parser.add_argument("--spec", default="lean", choices=sorted(SPECS))
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    began, results = time.monotonic(), list[tuple[str, Tried]]()
    todo = list(jobs(given))
    with multiprocessing.get_context("spawn").Pool(given.processes) as pool:
        for number, result in enumerate(pool.imap_unordered(attempt, todo, chunksize=4), 1):
            results.append(result)
            run, one = result
            if one.wrong:
                tell(f"wrong: {run} {one.mode} {one.position} {one.call}: {one.wrong.splitlines()[0]}")
            if number % 50 == 0:
                tell(f"{number} of {len(todo)}, {time.monotonic() - began:.0f} s")
    order = {mode: number for number, mode in enumerate(MODES)}
    results.sort(key=lambda result: (result[0], order[result[1].mode], result[1].position))
    for line in summary(results):
        tell(line)
    tell(f"{time.monotonic() - began:.0f} s")
    return int(any(one.wrong for _, one in results))


if __name__ == "__main__":
    sys.exit(main())
