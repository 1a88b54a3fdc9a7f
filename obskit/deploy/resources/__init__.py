"""The kinds of resources, one file each; found by `obskit.discover`."""

from __future__ import annotations

from functools import cache

from obskit.deploy.resource import Kind
from obskit.discover import modules_in


@cache
def kinds() -> dict[str, Kind]:
    """Return every kind by its name; whatever a kind needs stands before it.

    Raises:
        ValueError: Two need each other, or one needs a kind that there is not.
    """
    found: dict[str, Kind] = {module.KIND.name: module.KIND for module in modules_in(__name__)}
    ordered: dict[str, Kind] = {}
    left = dict(found)
    while left:
        ready = [name for name, kind in left.items() if all(need in ordered for need in kind.needs)]
        if not ready:
            unknown = {need for kind in left.values() for need in kind.needs} - found.keys()
            raise ValueError(f"kinds need {sorted(unknown)}" if unknown else f"a circle of needs in {sorted(left)}")
        ordered |= {name: left.pop(name) for name in ready}
    return ordered
