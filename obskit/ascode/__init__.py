"""Dashboards as code: said in ``dashboards/*.dashboard.py``, built, checked, diffed, pushed."""

from obskit.ascode.board import board, group, logs, panel, query, stat, text

__all__ = ["board", "group", "logs", "panel", "query", "stat", "text"]
