"""The JSON face: stable keys, the schema, and nothing that is not JSON."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from obskit.incident.report import as_json
from obskit.model import Diagnosis
from tests.support.diagnosis_example import calm, example, unclear
from tests.support.hostile import hostile

SCHEMA = json.loads((Path(as_json.__file__).parent / "schema.json").read_text("utf-8"))


def _strict(constant: str) -> Any:
    raise AssertionError(f"{constant} is not JSON")


@pytest.mark.parametrize(
    "diagnosis", [example(), calm(), unclear(), hostile()], ids=["example", "calm", "unclear", "hostile"]
)
def test_every_diagnosis_obeys_the_schema(diagnosis: Diagnosis) -> None:
    """Whatever is printed validates, and holds neither NaN nor a control character."""
    text = as_json.render(diagnosis)
    document = json.loads(text, parse_constant=_strict)

    Draft202012Validator(SCHEMA).validate(document)
    assert not {c for c in text if (ord(c) < 32 and c != "\n") or c in "\x7f\x9b\u202e"}


def test_the_schema_is_sound_and_describes_each_key() -> None:
    """The schema is the documentation: every property of every object says what it is."""
    Draft202012Validator.check_schema(SCHEMA)
    silent = [
        f"{name}.{key}"
        for name, part in {"diagnosis": SCHEMA, **SCHEMA["$defs"]}.items()
        for key, value in part.get("properties", {}).items()
        if not value.get("description") and not SCHEMA["$defs"].get(value.get("$ref", "")[8:], {}).get("description")
    ]

    assert silent == []


def test_the_schema_lists_exactly_the_keys_that_are_printed() -> None:
    """A key that is added to the output without a word in the schema is found here."""
    document = json.loads(as_json.render(example()))
    suspects = json.loads(as_json.render(unclear()))["suspects"]
    printed = {
        "diagnosis": document,
        "hypothesis": document["hypotheses"][0],
        "claim": document["hypotheses"][0]["for"][0],
        "finding": document["timeline"][0],
        "gap": document["gaps"][0],
        "suspect": suspects[0],
        "contribution": suspects[0]["contributions"][0],
        "log_template": document["log_templates"][0],
    }
    described = {"diagnosis": SCHEMA, **SCHEMA["$defs"]}

    assert {name: set(described[name]["properties"]) for name in printed} == {n: set(v) for n, v in printed.items()}


def test_only_the_elapsed_time_differs_between_two_runs() -> None:
    """The same recording gives the same bytes; a second run differs in one line."""
    first, again = example(), replace(example(), elapsed_seconds=9.5)

    assert as_json.render(first) == as_json.render(example())
    differing = [
        (a, b)
        for a, b in zip(as_json.render(first).splitlines(), as_json.render(again).splitlines(), strict=True)
        if a != b
    ]
    assert differing == [('  "elapsed_seconds": 2.437', '  "elapsed_seconds": 9.5')]


def test_what_has_no_value_is_null_and_probabilities_have_four_decimals() -> None:
    """NaN and infinity are null, never zero; a probability is rounded, a calm onset is null."""
    base = example()
    finding = replace(base.timeline[0], before=float("nan"), peak=float("inf"), after=1 / 3)
    first = replace(base.hypotheses[0], probability=0.123456)
    document = json.loads(as_json.render(replace(base, timeline=(finding,), hypotheses=(first,))))

    assert [document["timeline"][0][key] for key in ("before", "peak", "after")] == [None, None, 0.333333]
    assert document["hypotheses"][0]["probability"] == 0.1235
    assert json.loads(as_json.render(calm()))["onset"] is None


def test_suspects_are_printed_whole_and_only_where_no_cause_fits() -> None:
    """All of them and all of their contributions, in order; a machine can add them up."""
    suspects = json.loads(as_json.render(unclear()))["suspects"]

    assert [s["service"] for s in suspects] == ["auth", "demo-app", "node"]
    assert all(sum(c["evidence"] for c in s["contributions"]) == pytest.approx(s["score"]) for s in suspects)
    assert suspects[0]["contributions"][0]["onset"] == suspects[0]["onset"] == "2026-01-31T02:58:00Z"
    assert [json.loads(as_json.render(d))["suspects"] for d in (example(), calm())] == [[], []]


def test_a_document_without_suspects_and_ids_is_still_of_version_1() -> None:
    """Keys that came later are described and not demanded: what older versions printed stays valid."""
    document = json.loads(as_json.render(example()))
    del document["suspects"]
    for template in document["log_templates"]:
        del template["id"]

    Draft202012Validator(SCHEMA).validate(document)


def test_the_example_as_json(golden: Callable[[str, str], None]) -> None:
    """The whole document, byte for byte."""
    golden("report/example.json", as_json.render(example()))
