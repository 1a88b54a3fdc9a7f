"""Every unit is one that Grafana knows.

What it looks for: ``unit`` in a panel's field defaults and overrides that is neither one of
Grafana's ids nor one of its custom kinds (``suffix:``, ``prefix:``, ``si:``, ``time:``, ``count:``,
``currency:``, ``bool:``).

Why: Grafana refuses no unit. It prints an unknown one behind the bare number, so that 0.05 with
the unit ``percent-unit`` reads "0.05 percent-unit" where 5% was meant.

How to mend it: take an id that Grafana's unit picker knows; for obskit's own base units,
`obskit.ascode.units.unit_of` has them.
"""

from __future__ import annotations

from collections.abc import Iterator

from obskit.ascode.check import Case
from obskit.ascode.definition import Model, Problem
from obskit.ascode.units import is_known, near


def problems(case: Case) -> Iterator[Problem]:
    """Yield a problem for each unit that Grafana does not know."""
    for definition in case.definitions:
        for panel in definition.panels:
            for place, unit in units_in(panel):
                if not isinstance(unit, str):
                    yield definition.problem(f"{place} is {unit!r}, which is no text", panel=panel)
                elif not is_known(unit):
                    close = near(unit)
                    hint = (
                        f"did you mean {close}?" if close else "take an id from Grafana's unit picker, or suffix:TEXT"
                    )
                    yield definition.problem(
                        f"{place} is {unit!r}, which Grafana does not know", panel=panel, hint=hint
                    )


def units_in(panel: Model) -> Iterator[tuple[str, object]]:
    """Yield every unit that a panel sets, with its JSON path; those that say "none set" are left out."""
    config = panel.get("fieldConfig")
    config = config if isinstance(config, dict) else {}
    defaults = config.get("defaults")
    if isinstance(defaults, dict) and defaults.get("unit") not in (None, ""):
        yield "fieldConfig.defaults.unit", defaults["unit"]
    for number, override in enumerate(_listed(config.get("overrides"))):
        for place, given in enumerate(_listed(override.get("properties"))):
            if given.get("id") == "unit" and given.get("value") not in (None, ""):
                yield f"fieldConfig.overrides[{number}].properties[{place}].value", given["value"]


def _listed(value: object) -> list[Model]:
    return [one if isinstance(one, dict) else {} for one in value] if isinstance(value, list) else []
