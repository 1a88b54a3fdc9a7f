"""A service and a window as one item of a sweep: live triage as `obskit triage` does it, on a worker."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from obskit.errors import UsageError
from obskit.fleet.item import Seen
from obskit.model import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """One service to be asked about; settings and credentials are those of the worker, none travel.

    Attributes:
        name: The service.
        window: When.
        cluster: Where, where it runs in several; "" for the settings'.
        deadline_seconds: After which sources are not waited for; 0 for the settings'.
    """

    name: str
    window: Window
    cluster: str = ""
    deadline_seconds: float = 0.0

    def seen(self, scratch: Path | None) -> Seen:  # noqa: ARG002 (nothing is written)
        """Ask all configured sources.

        Raises:
            UsageError: No source knows the service, or none is configured.
            SourceError: Nothing at all could be seen.
        """
        from obskit.cli.triage_command import _known, _service, sources_of
        from obskit.incident.collect import collect
        from obskit.redact import redacted
        from obskit.settings import load_settings
        from obskit.sources import Ask

        settings = load_settings()
        service = _service(settings, self.name, self.cluster)
        sources, missing = sources_of(settings, (), service)
        deadline = time.monotonic() + (self.deadline_seconds or settings.deadline_seconds)
        telemetry = collect(sources, Ask(service=service, window=self.window.with_baseline(), deadline=deadline))
        telemetry = redacted(replace(telemetry, gaps=(*telemetry.gaps, *missing)))
        _known(self.name, telemetry, sources)
        return Seen(service=service, window=self.window, telemetry=telemetry)


def live_items(
    services: Sequence[str], window: Window, *, cluster: str, deadline_seconds: float, everywhere: bool
) -> tuple[Live, ...]:
    """Return an item a service, by name.

    Raises:
        UsageError: A name that is none, a deadline that makes no sense, or no service at all.
        SourceError: The services could not be listed.
        SettingsError: The settings cannot be used.
    """
    from obskit.fleet.services import all_services
    from obskit.settings import load_settings

    settings = load_settings()
    if deadline_seconds and not 0 < deadline_seconds <= 600:
        raise UsageError(f"a deadline of {deadline_seconds:g} s makes no sense", hint="between 1 and 600 seconds")
    names = all_services(settings, cluster=cluster, window=window) if everywhere else sorted(set(services))
    for name in names:
        if not name.isprintable():
            raise UsageError(f"{name[:80]!r} is no name of a service", hint="it holds control characters")
    return tuple(Live(name=name, window=window, cluster=cluster, deadline_seconds=deadline_seconds) for name in names)
