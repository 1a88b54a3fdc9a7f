"""Starts the service: ``python -m shop``; ``python -m shop probe`` asks a running one whether it lives."""

from __future__ import annotations

import logging
import shutil
import sys
import urllib.error
import urllib.request
from typing import Final

from . import logs
from .settings import EXIT_CONFIGURATION, ConfigurationError, Settings, read, share_metrics

_LOG: Final = logging.getLogger(__name__)
_PROBE_SECONDS: Final = 2.0


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM, and return the exit code.

    Args:
        arguments: None, or ``probe``.
    """
    try:
        settings = read()
    except ConfigurationError as error:
        logs.begin(Settings())
        for problem in error.problems:
            _LOG.critical("configuration: %s", problem)
        return EXIT_CONFIGURATION
    if arguments == ["probe"]:
        return _probe(settings)
    if arguments:
        sys.stderr.write("usage: python -m shop [probe]\n")
        return 2
    logs.begin(settings)
    try:
        _clean(settings)
    except OSError as error:
        _LOG.critical("configuration: RUN_DIR cannot be used: %s", error)
        return EXIT_CONFIGURATION
    share_metrics(settings.metrics_folder)
    # Only now: prometheus_client decides when it is imported whether it is alone.
    from .server import Supervisor

    _LOG.info("starting %s %s with %d workers", settings.service, settings.version, settings.workers)
    Supervisor(settings).run()
    return 0


def _clean(settings: Settings) -> None:
    """Remove what processes of an earlier life left behind: they are counted no more."""
    for folder in (settings.metrics_folder, settings.folder / "workers", settings.folder / "faults"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)


def _probe(settings: Settings) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{settings.port}/live", timeout=_PROBE_SECONDS):
            return 0
    except OSError:
        return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
