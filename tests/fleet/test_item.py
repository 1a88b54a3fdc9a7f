"""Rows are small, and hold no secret."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.errors import BundleError
from obskit.fleet.item import MAX_NAME, MAX_REASON, reason, row_of, shown
from obskit.fleet.recorded import Recorded
from obskit.model import Culprit
from tests.support.diagnosis_example import example
from tests.support.hostile import hostile

SIGNED = "https://bucket.example/a/pool.obskit?X-Amz-Credential=AKIAABCDEFGHIJKLMNOP&X-Amz-Signature=5ec2e7&sig=5ec2e7"
TOKEN = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=8, max_size=24)


@given(user=TOKEN, password=TOKEN, signature=TOKEN)
def test_no_part_of_an_address_that_opens_it_is_shown(user: str, password: str, signature: str) -> None:
    """Neither user and password nor a signed query; the place is still known by its host and path."""
    address = f"https://{user}:{password}@h.example/p/x.obskit?X-Amz-Signature={signature}"

    assert shown(address) == "https://h.example/p/x.obskit"


@pytest.mark.parametrize("address", ["s3://bucket/2026-1?/*.obskit", "incidents/what?.obskit", "memory://a/b"])
def test_what_is_no_secret_is_shown_as_it_is(address: str) -> None:
    """A question mark is a wildcard everywhere but on the web."""
    assert shown(address) == address


@pytest.mark.parametrize(
    "error",
    [
        ValueError(f"403, message='Forbidden', url='{SIGNED}'"),
        OSError(f"cannot open {SIGNED}"),
        BundleError("it is damaged", where={"at": SIGNED}),
        RuntimeError("ftp://me:5ec2e7@host/x refused"),
    ],
)
def test_a_reason_quotes_no_secret(error: Exception) -> None:
    """Libraries put whole addresses into their errors."""
    assert "5ec2e7" not in reason(error)
    assert "5ec2e7" not in reason(error, hide=SIGNED)


def test_a_reason_is_one_short_line_that_steers_no_terminal() -> None:
    """A recording's own words come into errors."""
    said = reason(BundleError("a\x1b[31m", where={"said": "x\ny" + "z" * 1000}))

    assert len(said) <= MAX_REASON
    assert said.isprintable()


def test_a_row_is_small_whatever_a_recording_claims() -> None:
    """Rows of thousands of recordings are kept until the end."""
    huge = replace(hostile(), service="s" * 10_000_000, culprit=Culprit(service="c" * 10_000_000, task="t" * 1_000_000))
    row = row_of("x", huge, seconds=1.0)

    assert len(pickle.dumps(row)) < 4 * MAX_NAME + 2_000


def test_a_row_says_what_the_diagnosis_says() -> None:
    """First cause, probability, culprit, onset."""
    said = example()
    row = row_of("x", said, seconds=2.5)

    assert (row.name, row.service, row.window, row.verdict) == ("x", said.service, said.window, said.verdict)
    assert (row.cause, row.probability) == (said.hypotheses[0].cause, said.hypotheses[0].probability)
    assert (row.culprit, row.task, row.onset) == (said.culprit.service, said.culprit.task, said.onset)
    assert (row.seconds, row.error) == (2.5, "")


def test_an_item_in_a_workers_log_shows_no_address() -> None:
    """Dask logs the arguments of what fails."""
    assert "5ec2e7" not in repr(Recorded(name="pool", path=SIGNED, target=SIGNED))
