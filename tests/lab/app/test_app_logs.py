"""Log lines of the demo application."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from obskit.lab.app import logs
from obskit.lab.app.settings import read

_FORMAT = logs.JsonLines(
    read(
        {
            "SERVICE_NAME": "demo-app",
            "VERSION": "1.2",
            "DATABASE_HOST": "db",
            "DATABASE_NAME": "shop",
            "DATABASE_USER": "shop",
            "DATABASE_PASSWORD": "correct-horse",
        }
    )
)


def _line(message: str, *words: object, error: BaseException | None = None, **more: object) -> str:
    record = logging.LogRecord("shop.orders", logging.ERROR, "f.py", 1, message, words, None)
    if error:
        record.exc_info = (type(error), error, error.__traceback__)
    record.__dict__.update(logs.fields(**more))
    return _FORMAT.format(record)


def test_a_line_is_one_object_that_says_who_when_and_how_bad() -> None:
    """Loki's json stage and the engine find level, logger, message and service under their usual names."""
    line = json.loads(_line("order %s", "paid", order="o-1", nothing=None))

    assert {key: line[key] for key in ("level", "logger", "message", "service", "version", "order")} == {
        "level": "error",
        "logger": "shop.orders",
        "message": "order paid",
        "service": "demo-app",
        "version": "1.2",
        "order": "o-1",
    }
    assert line["time"].endswith("+00:00")
    assert "nothing" not in line
    assert "request_id" not in line


def test_a_stack_trace_is_part_of_its_line() -> None:
    """Forty lines of a trace would be forty records of a log that is read by lines."""
    try:
        raise TimeoutError("QueuePool limit of size 5 overflow 5 reached")
    except TimeoutError:
        text = _line("failed", error=sys.exception())

    assert "\n" not in text
    assert json.loads(text)["error"] == "TimeoutError"
    assert json.loads(text)["exception"].splitlines()[0] == "Traceback (most recent call last):"


@pytest.mark.parametrize(
    "text",
    [
        "connecting with correct-horse",
        "password=hunter-2",
        '{"password": "hunter-2"}',
        "Authorization: Bearer hunter-2",
        "postgresql://shop:hunter-2@db/shop",
        "https://api.example/?api_key=hunter-2&x=1",
    ],
)
def test_secrets_are_taken_out(text: str) -> None:
    """Neither the configured ones nor what looks like one is written, in messages or in traces."""
    line = _line("failed: %s", text, error=ValueError(text))

    assert "hunter-2" not in line
    assert "correct-horse" not in line
    assert "***" in line


def test_secrets_are_taken_out_of_fields_too() -> None:
    """Whichever way a value comes into a line; numbers stay numbers."""
    line = _line("failed", url="postgresql://shop:hunter-2@db/shop", words=["correct-horse"], api_key="hunter-2", n=7)

    assert "hunter-2" not in line
    assert "correct-horse" not in line
    assert json.loads(line)["n"] == 7


def test_a_line_of_a_request_bears_its_id() -> None:
    """All lines of one request are found by it, here and in the service that was called."""
    token = logs.request_id.set("r-1")
    try:
        line = json.loads(_line("hello"))
    finally:
        logs.request_id.reset(token)

    assert line["request_id"] == "r-1"
