"""Alerts as code: said in ``alerts/*.alerts.py`` over the catalogue's signals, tested, built, checked, pushed."""

from obskit.ascode.alerts.cases import around, changing, counting, fires, quiet, steady
from obskit.ascode.alerts.rule import Condition, alert
from obskit.ascode.alerts.slo import Slo

__all__ = ["Condition", "Slo", "alert", "around", "changing", "counting", "fires", "quiet", "steady"]
