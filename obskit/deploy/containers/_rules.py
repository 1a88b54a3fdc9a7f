"""Rule files and Alertmanager's configuration from the repository's alerts, and dashboards for Grafana.

They are built with obskit's own defaults, not with what ``obskit.toml`` says of whom to tell: a stack file is
the whole truth of a stack. Only where Alertmanager posts alerts is the stack file's ``telemetry.obskit_url``; without
it Alertmanager groups and inhibits alerts as always, and tells nobody.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from obskit.errors import UsageError
from obskit.files import folder_of
from obskit.settings import AlertmanagerSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Loki's only tenant where it asks nobody who he is.
_TENANT: Final = "fake"


def rules(server: Literal["prometheus", "loki"], obskit_url: str) -> dict[str, str]:
    """Return the files of a server below ``/config``.

    Args:
        server: ``prometheus``: ``rules/NAME.rules.yml`` and ``alertmanager.yml``; ``loki``: the ruler's files,
            below ``rules/fake/``.
        obskit_url: Where Alertmanager posts alerts; "" for nowhere.

    Raises:
        UsageError: A definition of the folder cannot be read.
    """
    built = _built(folder_of("alerts").resolve(), folder_of("dashboards").resolve(), obskit_url)
    below = f"{server}/"
    into = f"rules/{_TENANT}/" if server == "loki" else "rules/"
    found = {into + path.removeprefix(below): text for path, text in built.items() if path.startswith(below)}
    if server == "prometheus":
        found["alertmanager.yml"] = built["alertmanager.yml"]
    return found


@cache
def dashboards(folder: Path) -> Mapping[str, str]:
    """Return what a Grafana reads at its start, by path; see `obskit.ascode.provisioning.files`.

    Raises:
        UsageError: A definition of the folder cannot be read.
    """
    from obskit.ascode.load import load
    from obskit.ascode.provisioning import files

    definitions, problems = load(folder)
    if problems:
        raise UsageError(f"dashboards cannot be read: {problems[0].message}", where={"in": problems[0].file})
    return files(definitions, Settings())


@cache
def _built(alerts: Path, boards: Path, obskit_url: str) -> Mapping[str, str]:
    from obskit.ascode.alerts.expression import Writer
    from obskit.ascode.alerts.load import load
    from obskit.ascode.alerts.texts import texts
    from obskit.ascode.load import load as load_dashboards

    settings = Settings(alertmanager=AlertmanagerSettings(url=obskit_url))
    files, problems = load(alerts)
    if problems:
        raise UsageError(f"alerts cannot be read: {problems[0].message}", where={"in": problems[0].file})
    definitions, _ = load_dashboards(boards)
    return texts(files, Writer(settings=settings, dashboards=definitions))
