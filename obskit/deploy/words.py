"""What deployments say, as people read it."""

from __future__ import annotations

from obskit.errors import ObskitError


def one_line(error: ObskitError) -> str:
    """Return an error on one line, its parts told apart: ``what; aws: denied; try: another role``."""
    facts = {**error.where, **({"try": error.hint} if error.hint else {})}
    parts = [error.what, *(f"{name}: {value}" for name, value in facts.items())]
    return "; ".join(" ".join(part.split()) for part in parts)
