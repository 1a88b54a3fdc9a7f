"""Grafana's units: which ids it knows, and which one says what obskit's base units say."""

from __future__ import annotations

import difflib
from functools import cache

from obskit.model.words import Unit

#: Ids of @grafana/data 13.2.3 that grafanalib 0.7.1 has no constant for.
_NEWER = frozenset[str]().union(
    ("acres", "candela", "currencyBGN", "currencyILS", "currencyMYR", "currencyPYG", "currencyTRY", "currencyUYU"),
    ("currencyVND", "currencyXPF", "epm", "eps", "hectares", "lengthcm", "mohm", "mpm", "mps", "mwatth", "recpm"),
    ("recps", "reqpm", "rotghz", "rotkhz", "rotmhz", "rowspm", "rowsps", "sishort"),
)
#: Kinds of unit that carry their own text: ``suffix:pods``, ``si:mW``, ``time:YYYY-MM-DD``, ``bool:up/down`` …
_CUSTOM = ("suffix", "prefix", "time", "si", "count", "currency", "bool")

#: What Grafana prints for 1234.5: 20.6 mins, 1.21 KiB, 123450%, 1.23K /s, 1.21 KiB/s, 1.23 K.
#: "count:/s" is its custom unit for a count: every ready one adds a noun (c/s, ops/s, req/s),
#: which would be wrong for most of our rates.
_OF_SIGNALS: dict[Unit, str] = {
    "seconds": "s",
    "bytes": "bytes",
    "ratio": "percentunit",
    "per_second": "count:/s",
    "bytes_per_second": "binBps",
    "count": "short",
}


@cache
def grafana_units() -> frozenset[str]:
    """Return the ids of all of Grafana's ready units: those that grafanalib names, and those that it lacks."""
    from grafanalib import formatunits  # kept out of the path of a triage, as all of grafanalib

    constants = (value for name, value in vars(formatunits).items() if not name.startswith("_"))
    return _NEWER | {_unescaped(value) for value in constants if isinstance(value, str)}


def unit_of(signal_unit: Unit) -> str:
    """Return Grafana's id for one of obskit's base units."""
    return _OF_SIGNALS[signal_unit]


def is_known(unit: str) -> bool:
    """Return whether Grafana formats values by this id; what it does not know it prints behind the number."""
    kind, colon, text = unit.partition(":")
    return unit in grafana_units() or bool(colon and text and kind in _CUSTOM)


def near(unit: str) -> str:
    """Return the known id that is most like an unknown one, or ""."""
    known = sorted(grafana_units())
    same = [one for one in known if one.lower() == unit.lower()]
    return next(iter(same or difflib.get_close_matches(unit, known, n=1, cutoff=0.6)), "")


def _unescaped(value: str) -> str:
    r"""Turn grafanalib's ``\u00b5`` into the sign itself."""
    return value.encode("ascii").decode("unicode_escape") if "\\u" in value else value
