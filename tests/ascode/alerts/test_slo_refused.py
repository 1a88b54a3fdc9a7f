"""Objectives that make no sense: each is refused where it is written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from obskit.ascode.alerts.load import load
from obskit.ascode.alerts.slo import Slo
from obskit.errors import UsageError


def slo(**fields: Any) -> Slo:
    """Return an objective of 99.9 % availability, but for what is said."""
    usual = {"name": "availability", "objective": "99.9", "failures": "slo_failures", "requests": "slo_requests"}
    return Slo(**{**usual, **fields})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"objective": "100"}, "leaves no budget"),
        ({"objective": "0"}, "leaves nothing to promise"),
        ({"objective": "-1"}, "leaves nothing to promise"),
        ({"objective": "NaN"}, "leaves"),
        ({"objective": "three nines"}, "is no number"),
        ({"objective": 99.9}, "is a number, which binary floats do not hold exactly"),
        ({"objective": "80"}, "can page nobody"),
        ({"name": "Availability"}, "is no name of an objective"),
        ({"period": "7d"}, "has a period of 7d"),
        ({"period": "1y"}, "has a period of 1y"),
        ({"period": "month"}, "is no duration"),
        ({"failures": "slo_failure"}, "there is no signal"),
        ({"failures": "http_error_ratio"}, "cannot be set on http_error_ratio"),
        ({"requests": "log_errors"}, "cannot be set on log_errors"),
        ({"limit": "1"}, "has the limit"),
        ({"failures": "slo_slow_requests", "limit": "1s"}, "has the limit"),
        ({"least_failures": 0}, "asks for 0 failures"),
    ],
)
def test_what_cannot_be_promised_is_refused(fields: dict[str, Any], words: str) -> None:
    """An objective that makes no sense must not become an alert that never fires."""
    with pytest.raises(UsageError, match=re.escape(words)) as caught:
        slo(**fields)

    assert caught.value.hint


def test_what_is_wrong_is_found_with_its_line(tmp_path: Path) -> None:
    """Whoever wrote it opens the file there."""
    (tmp_path / "slo.alerts.py").write_text(
        "from obskit.ascode.alerts import Slo\n\nSLOS = (\n"
        '    Slo(name="a", objective="100", failures="slo_failures", requests="slo_requests"),\n)\n',
        encoding="utf-8",
    )
    files, (problem,) = load(tmp_path)

    assert files == ()
    assert (Path(problem.file).name, problem.line) == ("slo.alerts.py", 4)
    assert "leaves no budget" in problem.message
