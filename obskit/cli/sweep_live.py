"""A service and a window as one item of a sweep: live triage as `obskit triage` does it, on a worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from obskit.errors import UsageError
from obskit.fleet.item import Seen
from obskit.model import Window

if TYPE_CHECKING:
    from obskit.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """One service to be asked about; settings and credentials are those of the worker, none travel.

    Attributes:
        name: The service.
        window: When.
        cluster: Where, where it runs in several; "" for the settings'.
        deadline_seconds: After which sources are not waited for; None for the settings'.
    """

    name: str
    window: Window
    cluster: str = ""
    deadline_seconds: float | None = None

    def seen(self, scratch: Path | None) -> Seen:  # noqa: ARG002 (nothing is written)
        """Ask all configured sources.

        Raises:
            UsageError: No source knows the service, or none is configured.
            SourceError: Nothing at all could be seen.
        """
        from obskit.asking import seen, service_of
        from obskit.settings import load_settings

        settings = load_settings()
        service = service_of(settings, self.name, self.cluster)
        telemetry = seen(settings, service, self.window, deadline_seconds=self.deadline_seconds, shown=False)
        return Seen(service=service, window=self.window, telemetry=telemetry)


def live_items(
    services: Sequence[str],
    window: Window,
    *,
    cluster: str,
    deadline_seconds: float | None,
    everywhere: bool,
    here: bool,
) -> tuple[Live, ...]:
    """Return an item a service, by name.

    Args:
        services: Their names; none when it is *everywhere*.
        window: When.
        cluster, deadline_seconds: As `Live` has them.
        everywhere: Of all services that there are.
        here: The settings of this process are the workers' as well: they must name a source.

    Raises:
        UsageError: A name that is none, a deadline that makes no sense, no service at all, or no source for any.
        SourceError: The services could not be listed.
        SettingsError: The settings cannot be used.
    """
    from obskit.asking import deadline_of, known_name
    from obskit.fleet.services import all_services
    from obskit.settings import load_settings

    settings = load_settings()
    deadline_of(settings, deadline_seconds)
    names = all_services(settings, cluster=cluster, window=window) if everywhere else sorted(set(services))
    for name in names:
        known_name(name)
    if here:
        _have_a_source(settings, names, cluster)
    return tuple(Live(name=name, window=window, cluster=cluster, deadline_seconds=deadline_seconds) for name in names)


def _have_a_source(settings: Settings, names: Sequence[str], cluster: str) -> None:
    """Say once, and before workers start, what each of them would say.

    Raises:
        UsageError: For none of the services a source is configured.
    """
    from obskit.asking import service_of, sources_of

    for name in names:
        try:
            sources_of(settings, (), service_of(settings, name, cluster))
        except UsageError as error:
            nothing = error
        else:
            return
    if names:
        raise nothing
