"""What rule groups mean is compared: not how durations, white space and keys are written."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.ascode.alerts.push_compare import as_groups, changes, groups_in, parsed, same
from tests.support.rule_pushing import group


def lasting(duration: object) -> list[dict[str, Any]]:
    """Return groups with one alert that must hold so long."""
    return [{"name": "g", "rules": [{"alert": "A", "expr": "up == 0", "for": duration}]}]


# --- durations ---


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("90s", "1m30s"),
        ("1h", "1h0m0s"),
        ("1h", "60m"),
        ("1d", "24h"),
        ("1w", "7d"),
        ("1y", "365d"),
        ("90s", "1.5m"),
        ("500ms", "0.5s"),
        ("300ms", "0.3s"),
        ("1m0.1s", "1m100ms"),
        ("5m", " 5m "),
        ("1m30s", "30s1m"),
        ("0s", "0"),
        ("0s", 0),
        ("0s", None),
        ("0s", ""),
    ],
)
def test_a_duration_is_as_long_however_it_is_written(ours: str, theirs: object) -> None:
    """Servers answer in Go's form, with zeros and fractions; none at all is no time."""
    assert same(lasting(ours), lasting(theirs))
    assert changes(lasting(ours), lasting(theirs)) == ()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("5m", "5ms"),
        ("5m", "5"),
        ("5m", "5 m"),
        ("5m", "5M"),
        ("5m", "5m!"),
        ("5m", "-5m"),
        ("5m", "٥m"),
        ("1s", "999ms"),
        ("1y", "366d"),
        ("0s", "1ms"),
        ("0s", "no time"),
    ],
)
def test_another_duration_or_none_at_all_is_a_difference(ours: str, theirs: str) -> None:
    """What is no duration is compared as the text that it is."""
    assert not same(lasting(ours), lasting(theirs))
    assert [c.path for c in changes(lasting(ours), lasting(theirs))] == ["g.A.for"]


#: In milliseconds.
UNITS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}


@given(st.integers(1, 10**12), st.lists(st.sampled_from(sorted(UNITS)), unique=True), st.integers(1, 10**9))
def test_a_duration_in_any_units_is_the_same(milliseconds: int, units: list[str], more: int) -> None:
    """A second or a year more is another."""

    def written(rest: int) -> str:
        parts = []
        for unit in [*units, "ms"]:
            number, rest = divmod(rest, UNITS[unit])
            parts.append(f"{number}{unit}")
        return "".join(parts)

    assert same(lasting(f"{milliseconds}ms"), lasting(written(milliseconds)))
    assert not same(lasting(f"{milliseconds}ms"), lasting(written(milliseconds + more)))


@given(st.text() | st.from_regex(r"[0-9]+(\.[0-9]+)?(ms|[smhdwy])") | st.integers() | st.floats() | st.booleans())
def test_any_duration_of_a_server_is_compared_with_itself(duration: object) -> None:
    """Nothing that a server answers makes the comparison fail."""
    assert same(lasting(duration), lasting(copy.deepcopy(duration)))


@pytest.mark.parametrize("end", ["", "y", "x"])
def test_a_duration_of_a_hundred_thousand_digits_is_compared(end: str) -> None:
    """No clock is that long: no arithmetic is done with it, nor is it read once for each of its digits."""
    long = f"{'9' * 10**5}{end}"

    assert same(lasting(long), lasting(long))
    assert not same(lasting("1y"), lasting(long))


# --- what else counts ---


def test_what_a_rule_means_is_compared() -> None:
    """Each field counts, and so does the order of rules: a later one reads what an earlier recorded."""
    one = group(1).document()
    turned = {**one, "rules": list(reversed(one["rules"]))}
    renamed = copy.deepcopy(one)
    renamed["rules"][1]["alert"] = "Other"
    quoted = copy.deepcopy(one)
    quoted["rules"][1]["expr"] = quoted["rules"][1]["expr"].replace("b  c", "b c")

    assert [c.path for c in changes([one], [turned])] == ["obskit-1.rules"]
    assert [(c.path, c.kind) for c in changes([one], [renamed])] == [
        ("obskit-1.Other", "added"),
        ("obskit-1.Alert1", "removed"),
    ]
    assert [c.path for c in changes([one], [quoted])] == ["obskit-1.Alert1.expr"]
    assert [c.path for c in changes([one], [{**one, "interval": "1m"}])] == ["obskit-1.interval"]
    assert not same([one], [one, one])
    assert [c.path for c in changes([one], [one, one])] == ["obskit-1 (2)"]


@pytest.mark.parametrize(
    ("ours", "theirs", "alike"),
    [
        ("a  +\n b", " a + b ", True),
        ('x{a="b  c"}  > 1', 'x{a="b  c"} > 1', True),
        ('x{a="b  c"}', 'x{a="b c"}', False),
        ("x{a='b  c'}", "x{a='b c'}", False),
        ("x{a=`b  c`}", "x{a=`b c`}", False),
        (r'x{a="\"  b"}', r'x{a="\" b"}', False),
        ('x{a="  b', 'x{a=" b', False),
        ("a  # b\n+ c", "a # b + c", False),
    ],
)
def test_white_space_counts_where_it_is_quoted_or_ends_a_comment(ours: str, theirs: str, alike: bool) -> None:
    """Elsewhere a server may write as much of it as it likes."""
    groups = [[{"name": "g", "rules": [{"alert": "A", "expr": expr}]}] for expr in (ours, theirs)]

    assert same(*groups) is alike
    assert bool(changes(*groups)) is not alike


@pytest.mark.parametrize("part", ['\\"', "\\'", "'\"", "\\\\", "`", '"'])
def test_quotes_without_end_are_read_once(part: str) -> None:
    """A text of a hundred thousand of them, as no rule has, does not hold a push up."""
    text = '"' + part * 10**5

    assert same([{"name": "g", "rules": [{"expr": text}]}], [{"name": "g", "rules": [{"expr": f" {text}\n"}]}])


def test_a_secret_in_a_rule_is_not_shown() -> None:
    """Somebody's annotation may hold one."""
    old, new = group(1).document(), group(1).document()
    old["rules"][1]["annotations"] = {"summary": "Authorization: Bearer abcdefghijklmnop0123456789"}

    assert "abcdefghijklmnop" not in str(changes([old], [new]))


RULES = st.fixed_dictionaries(
    {"alert": st.sampled_from("ABC"), "expr": st.sampled_from(["up", "up  == 0", 'x{a="  "}', "rate(x[5m])"])},
    optional={
        "for": st.sampled_from(["0s", "60s", "1m", "1h", "60m", "90m"]),
        "labels": st.dictionaries(st.sampled_from("ab"), st.sampled_from(["1", "x"])),
        "keep_firing_for": st.sampled_from(["5m", "300s"]),
    },
)
GROUPS = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("gh"), "rules": st.lists(RULES, max_size=3)}), max_size=2
)


@given(GROUPS, GROUPS)
def test_there_are_changes_exactly_when_they_do_not_mean_the_same(old: list[Any], new: list[Any]) -> None:
    """Else a plan would show a change that is none, or none where a push changes something."""
    assert same(old, old)
    assert not changes(old, old)
    if [one["name"] for one in old] == [one["name"] for one in new]:
        assert bool(changes(old, new)) is not same(old, new)


@given(GROUPS, st.randoms(use_true_random=False))
def test_the_order_of_keys_means_nothing(found: list[Any], chance: random.Random) -> None:
    """YAML's mappings have none."""

    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            keys = list(value)
            chance.shuffle(keys)
            return {key: shuffled(value[key]) for key in keys}
        return [shuffled(one) for one in value] if isinstance(value, list) else value

    assert same(found, shuffled(found))


# --- reading ---


@pytest.mark.parametrize("text", ["a: [", "a: &x 1\nb: *x", "\x00", "- " * 5000, "a: 1\x07"])
def test_a_text_that_is_no_yaml_or_refers_to_itself_is_none(text: str) -> None:
    """A few lines of aliases stand for gigabytes; no server writes any."""
    assert parsed(text) is None
    assert groups_in(text) is None


@pytest.mark.parametrize(
    "found", [None, {}, "groups", [1], [{}], [{"rules": None}], [{"rules": ["up"]}], [{"name": "g", "rules": {}}]]
)
def test_what_is_no_list_of_groups_is_none(found: object) -> None:
    """Each group has a list of rules, each rule is a mapping."""
    assert as_groups(found) is None
