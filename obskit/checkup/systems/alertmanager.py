"""Alertmanager: do notifications leave it."""

from obskit.checkup.words import System

SYSTEM = System(
    name="alertmanager",
    title="Alertmanager",
    topics=("alertmanager",),
    tell=("alertmanager_up_ratio", "alertmanager_notification_failed_ratio"),
)
