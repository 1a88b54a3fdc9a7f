"""All files that are built of a folder of alerts, as texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from obskit.files import folder_of
from obskit.settings import Settings

if TYPE_CHECKING:
    from obskit.ascode.alerts.expression import Writer
    from obskit.ascode.alerts.rule import RuleFile


def writer_for(settings: Settings) -> Writer:
    """Return what writes expressions and annotations, with the dashboards that they link."""
    from obskit.ascode.alerts.expression import Writer
    from obskit.ascode.load import load

    dashboards, unread = load(folder_of("dashboards"))
    return Writer(settings=settings, dashboards=dashboards, unread=unread)


def texts(files: Sequence[RuleFile], writer: Writer) -> dict[str, str]:
    """Return every file that is built, by its path: rules for Prometheus and Loki, and Alertmanager's configuration."""
    from obskit.ascode.alerts import alertmanager, build

    told = alertmanager.config(files, writer, writer.settings.alertmanager)
    return {**build.texts(build.groups(files, writer)), "alertmanager.yml": alertmanager.text(told)}
