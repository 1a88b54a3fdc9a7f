"""What a line says, and which known wording it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import obskit.incident.causes
from obskit.incident.masking import mask
from obskit.incident.signatures import (
    Message,
    Signature,
    driver_of,
    inherit,
    is_sure,
    match,
    match_examples,
    read,
    read_record,
    signatures,
)

CAUSES = {path.stem for path in Path(obskit.incident.causes.__file__).parent.glob("[a-z]*.py")}


@pytest.mark.parametrize(
    ("line", "level", "logger", "text"),
    [
        ('{"level":"ERROR","logger":"db","msg":"no"}', "error", "db", "no"),
        ('{"severity":"warning","message":"slow"}', "warn", "", "slow"),
        (
            '{"level":50,"msg":"pino","err":{"type":"TypeError","message":"x is bad"}}',
            "error",
            "",
            "pino | TypeError: x is bad",
        ),
        ('{"log":"{\\"level\\":\\"info\\",\\"msg\\":\\"inner\\"}","stream":"stdout"}', "info", "", "inner"),
        ('{"event":{"original":"from ECS"},"log":{"level":"error"}}', "error", "", "from ECS"),
        ('{"msg":"done","method":"GET","status":503}', "", "", "done status=503"),
        ('{"msg":"cut off in the mid', "", "", '{"msg":"cut off in the mid'),
        ('{"msg": "blanked", "n": 0.0-0, "level": "INFO"}', "info", "", "blanked"),
        ('level=warn ts=1 caller=x.go:1 msg="took \\"long\\""', "warn", "x.go:1", 'took "long"'),
        ("2026-01-31T03:12:00.123Z ERROR [orders] failed", "error", "", "[orders] failed"),
        ("[Sun Dec 04 04:47:44 2005] [notice] ok", "info", "", "ok"),
        ("[2026-01-31 03:12:00 +0000] [41] [CRITICAL] WORKER TIMEOUT (pid:41)", "fatal", "", "WORKER TIMEOUT (pid:41)"),
        ("2026-01-31 03:12:00.1 UTC [77] app@shop FATAL:  gone", "fatal", "", "app@shop FATAL:  gone"),
        ("ERROR:    Application startup failed. Exiting.", "error", "", "Application startup failed. Exiting."),
        ("panic: runtime error", "fatal", "", "panic: runtime error"),
        ("10 errors so far", "", "", "10 errors so far"),
        ("", "", "", ""),
    ],
)
def test_a_line_is_unwrapped(line: str, level: str, logger: str, text: str) -> None:
    """JSON, logfmt and text give their message, level and logger."""
    assert read(line) == Message(level=level, logger=logger, text=text)


def test_a_trace_inside_a_field_gives_its_last_line() -> None:
    """What counts of a stack trace in a JSON field is the exception that ends it."""
    trace = "Traceback (most recent call last):\\n  File \\\"a.py\\\", line 1\\n    x()\\nKeyError: 'DATABASE_URL'"

    assert read(f'{{"msg":"cannot start","exc":"{trace}"}}').text == "cannot start | KeyError: 'DATABASE_URL'"


@pytest.mark.parametrize(
    ("frame", "driver"),
    [
        ('  File "/venv/asyncpg/pool.py", line 3, in _acquire', "asyncpg pool"),
        ("    at /srv/node_modules/pg-pool/index.js:45:11", "postgres driver"),
        ("\tat com.mysql.cj.jdbc.ConnectionImpl", "mysql driver"),
        ("    at main (/srv/index.js:1:1)", ""),
    ],
)
def test_a_frame_names_the_driver(frame: str, driver: str) -> None:
    """A bare time-out is told from another by the code that it went through."""
    assert driver_of(frame) == driver


def test_a_bare_timeout_of_a_pool_is_known_by_its_frames() -> None:
    """The pool of asyncpg says nothing but TimeoutError."""
    record = read_record("Traceback (most recent call last):", "TimeoutError", "asyncpg pool")

    assert match_examples([record.words]) == ["db_pool_exhausted/asyncpg_pool"]


@pytest.mark.parametrize("signature", signatures(), ids=lambda s: s.id)
def test_a_sample_is_known_as_itself_first(signature: Signature) -> None:
    """Specific wordings stand before generic ones: nothing takes another's sample."""
    assert match_examples([signature.sample]) == [signature.id]
    assert match_examples([read(signature.sample).words]) == [signature.id]


def test_most_samples_are_known_when_masked() -> None:
    """A template is recognised as its line is; only wordings that need a certain number are not."""
    found = match([mask(read(s.sample).words) for s in signatures()])
    lost = [s.id for s, name in zip(signatures(), found, strict=True) if name.split("/")[0] != s.cause]

    assert len(lost) <= 10


@pytest.mark.parametrize("signature", signatures(), ids=lambda s: s.id)
def test_a_signature_speaks_for_a_cause_that_exists(signature: Signature) -> None:
    """Ids are cause/name, causes are the modules of the engine, patterns also run in Python."""
    assert signature.id.split("/")[0] == signature.cause
    assert signature.cause in CAUSES
    assert re.search(signature.regex, signature.sample)
    assert signature.nature in ("cause", "symptom")
    assert signature.confirmed in ("R", "S", "D", "F", "K")


def test_ids_are_unique() -> None:
    """An id names one wording."""
    ids = [s.id for s in signatures()]

    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    "text",
    [
        "0 errors",
        "error_rate=0",
        "failover to replica complete",
        "failsafe armed",
        "ERROR something went wrong",
        "exception handler installed",
        "warning: retry budget fine",
        "Too many connections to the help desk",
        "health check ok",
        "GET /errors/timeout 200 3ms",
    ],
)
def test_a_harmless_word_is_no_signature(text: str) -> None:
    """The words error, fail and exception alone prove nothing."""
    assert match_examples([text]) == [""]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Connection pool is full, discarding connection: api. Connection pool size: 10",
            "worker_saturation/urllib3_pool_full",
        ),
        ("redis.exceptions.ConnectionError: Too many connections", "cache_failure/py_pool"),
        ("(1040, 'Too many connections')", "db_connection_limit/mysql_1040"),
        ("OOM command not allowed when used memory > 'maxmemory'.", "cache_failure/oom"),
        ("java.lang.OutOfMemoryError: unable to create native thread", "worker_saturation/jvm_thread"),
        (
            "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
            "db_connection_limit/pg_reserved",
        ),
        ("terminating connection due to idle-in-transaction timeout", "lock_contention/pg_idle_tx"),
        ("connect ECONNREFUSED 10.0.0.7:5432", "database_unreachable/refused_port"),
        ("connect ECONNREFUSED 10.0.0.7:8080", "dependency_down/refused"),
        ("UNABLE_TO_VERIFY_LEAF_SIGNATURE", "tls_failure/untrusted"),
        ("ThrottlingException: Rate exceeded", "throttled/aws"),
    ],
)
def test_known_traps(text: str, expected: str) -> None:
    """Wordings that several programs share are told apart."""
    assert match_examples([text]) == [expected]


def test_a_generic_wording_in_a_calm_line_is_no_signature() -> None:
    """Programs mention refused connections in passing; a specific wording counts at any level."""
    texts = [
        "will retry on connection refused",
        "process 812 still waiting for ShareLock on transaction 731 after 1000.1 ms",
    ]

    assert match_examples(texts, ["info", "info"]) == ["", "lock_contention/pg_still_waiting"]
    assert match_examples(texts[:1], ["error"]) == ["dependency_down/refused"]


def test_a_failure_that_was_logged_twice_has_one_name() -> None:
    """The line without a trace takes the name that the trace gave the same failure."""
    texts = [
        "GET / failed: connect ECONNREFUSED 10.0.0.1:5544",
        "connect ECONNREFUSED 10.0.0.1:5544 | at postgres driver",
    ]

    assert inherit(match_examples(texts), texts) == ["database_unreachable/refused_by_driver"] * 2


def test_only_what_names_the_broken_thing_is_sure() -> None:
    """One line of a heap that is full is enough; one time-out is not."""
    assert is_sure("runtime_heap_exhausted/jvm_heap")
    assert not is_sure("slow_dependency/timeout")
    assert not is_sure("unheard/of")


@given(st.text(max_size=200))
@settings(deadline=None)
def test_any_line_can_be_read_and_matched(line: str) -> None:
    """No text breaks the reading of messages."""
    message = read(line)

    assert len(message.text) <= 1000
    assert len(match_examples([message.words])) == 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=10),
        lambda children: (
            st.lists(children, max_size=3)
            | st.dictionaries(st.sampled_from(["msg", "log", "level", "error", "x"]), children, max_size=3)
        ),
        max_leaves=12,
    )
)
@settings(deadline=None)
def test_any_json_can_be_read(value: object) -> None:
    """Fields may hold what they should not: lists, numbers, null."""
    import json

    assert isinstance(read(json.dumps(value)).text, str)
