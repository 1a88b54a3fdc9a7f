"""How scores become probabilities: two numbers that a corpus of labelled incidents may teach.

Without ``calibration.json`` beside this file the engine uses its hand-set weights as they are.
`obskit calibrate` writes one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from obskit.errors import UsageError

#: Raised when a key goes away or changes its meaning.
SCHEMA_VERSION = 1
#: Temperatures within which a file is believed: twice to a tenth as sure as the weights say.
TEMPERATURES = (0.5, 10.0)
#: Nats of "something else" within which a file is believed: odds of 150 to 1 either way.
UNKNOWNS = (-5.0, 5.0)
_NAME = "calibration.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The last step from scores to probabilities. It never changes the order of causes.

    Attributes:
        temperature: Scores are divided by it: above 1 the engine becomes less sure, below 1 surer.
        unknown: Score of "something else", in nats, after that division.
    """

    temperature: float = 1.0
    unknown: float = 0.0

    def shares(self, scores: Sequence[float]) -> tuple[tuple[float, ...], float]:
        """Return each cause's probability and that of "something else"; together they are 1.

        Args:
            scores: Nats, prior included; any order.
        """
        masses = [math.exp(score / self.temperature) for score in scores]
        other = math.exp(self.unknown)
        total = other + math.fsum(masses)
        return tuple(mass / total for mass in masses), other / total


#: The weights as they were set by hand.
AS_SET = Calibration()


@cache
def shipped() -> Calibration:
    """Return what comes with this obskit; `AS_SET` where it brings no file."""
    held = files(__package__).joinpath(_NAME)
    return parsed(held.read_bytes(), name=_NAME) if held.is_file() else AS_SET


def read_calibration(path: Path) -> Calibration:
    """Read a file that `obskit calibrate` wrote.

    Raises:
        UsageError: It cannot be read, or is no such file.
    """
    try:
        body = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise UsageError(
            f"{path} cannot be read", where={"said": str(error)}, hint="obskit calibrate writes one"
        ) from error
    return parsed(body, name=str(path))


def parsed(body: bytes, *, name: str) -> Calibration:
    """Return the calibration that a file holds.

    Raises:
        UsageError: It is no calibration, one of a later obskit, or one that nobody could have fitted.
    """
    try:
        held = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is no JSON", where={"said": str(error)}, hint="obskit calibrate writes it") from error
    if not isinstance(held, dict) or held.get("schema_version") != SCHEMA_VERSION:
        raise UsageError(
            f"{name} is no calibration that this obskit knows",
            where={"schema_version": f"{SCHEMA_VERSION} is wanted"},
            hint="write it again with obskit calibrate",
        )
    return Calibration(
        temperature=_within(held, "temperature", TEMPERATURES, name), unknown=_within(held, "unknown", UNKNOWNS, name)
    )


def _within(held: dict[str, Any], key: str, limits: tuple[float, float], name: str) -> float:
    value = held.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or not limits[0] <= value <= limits[1]:
        raise UsageError(
            f"{name} has no sensible {key}",
            where={key: str(value)[:80], "between": f"{limits[0]:g} and {limits[1]:g}"},
            hint="write it again with obskit calibrate",
        )
    return float(value)
