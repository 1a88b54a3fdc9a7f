"""Grafana's npm packages, for tests that need them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from obskit.ascode import npm
from obskit.ascode.check import Skipped


def grafana_tools() -> Path:
    """Return the folder of `obskit.ascode.npm.tools`; skip the test without it, but fail it in CI."""
    try:
        return npm.tools()
    except Skipped as why:
        if os.environ.get("CI"):
            pytest.fail(f"CI has to have it: {why}")
        pytest.skip(str(why))
