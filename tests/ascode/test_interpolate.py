"""Variables in queries: what is filled in, and that it stays where it belongs."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.ascode.interpolate import Value, Values, in_prose, interpolate, quoted, references
from obskit.errors import UsageError

VALUES: Values = {
    "service": Value(texts=("shop",)),
    "many": Value(texts=("a.b", "c|d")),
    "all": Value(texts=(r".+\.x",), pattern=True),
    "empty": Value(texts=("",)),
    "n": Value(texts=("5",)),
    "__rate_interval": Value(texts=("60s",)),
}

TEXTS = st.text(st.sampled_from("ab\"'`\\${}()|.*+\n#[]:,=~é\u202e\ud800 "), max_size=12)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ('up{service="$service"}', 'up{service="shop"}'),
        ('up{service="${service}"}', 'up{service="shop"}'),
        ('up{service=~"[[service]]"}', 'up{service=~"shop"}'),
        ("rate(x[$__rate_interval])", "rate(x[60s])"),
        ('topk($n, up{s=~"$many"})', r'topk(5, up{s=~"(a\\.b|c\\|d)"})'),
        ('up{s !~ "$many"}', r'up{s !~ "(a\\.b|c\\|d)"}'),
        ('up{s="${many:regex}"}', r'up{s="(a\\.b|c\\|d)"}'),
        ('up{s="${many:pipe}"}', 'up{s="a.b|c|d"}'),
        ('up{s="${many:csv}"}', 'up{s="a.b,c|d"}'),
        ("f(${many:doublequote})", 'f("a.b","c|d")'),
        ('up{s=~"$all"}', r'up{s=~".+\.x"}'),
        ("{a=`x`} |= `$service`", '{a=`x`} |= "shop"'),
        ("{a=~`\\d$n`}", r'{a=~"\\d5"}'),
        ('up{s=~"$empty"}', 'up{s=~""}'),
        # what is no variable of ours stays: regular expressions, groups of label_replace, unknown names
        ('label_replace(up, "a", "$1", "b", "(.*)$")', 'label_replace(up, "a", "$1", "b", "(.*)$")'),
        ('up{s="$other"}', 'up{s="$other"}'),
        (r'up{s="\\$service"}', r'up{s="\\shop"}'),
        ('up # $service "\n+ $n', 'up # $service "\n+ 5'),
    ],
)
def test_a_variable_is_filled_in_as_its_place_wants_it(text: str, filled: str) -> None:
    """Escaped for the literal, and for the regular expression where the operator says so."""
    assert interpolate(text, VALUES) == filled


def test_a_value_is_not_looked_through_for_variables() -> None:
    """What a value says is text, even where it names another variable."""
    values = {"a": Value(texts=("$b ${b} [[b]]",)), "b": Value(texts=("no",))}

    assert interpolate('up{x="$a"}', values) == 'up{x="$b ${b} [[b]]"}'
    assert in_prose("$a", values) == "$b ${b} [[b]]"


@pytest.mark.parametrize("value", ['x"} or up{a="', "a b{", "1) or (up", "$(x)", "a\nb"])
def test_outside_of_quotes_only_words_may_stand(value: str) -> None:
    """A value that would be code there is refused, and named."""
    with pytest.raises(UsageError, match=r"\$n cannot stand outside"):
        interpolate("topk($n, up)", {"n": Value(texts=(value,))})


def _outside(query: str) -> tuple[str, list[str]]:
    """Return what is outside of literals, and the literals, as Prometheus' own lexer cuts them."""
    literals: list[str] = []

    def keep(match: re.Match[str]) -> str:
        literals.append(match.group())
        return "S"

    return re.sub(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`[^`]*`", keep, query), literals


def _meant(literal: str) -> str:
    assert literal[0] != "`"
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], literal[1:-1])


@given(
    texts=st.lists(TEXTS, min_size=1, max_size=3),
    quote=st.sampled_from("\"'`"),
    around=st.sampled_from([("", ""), ("a", "z"), (".*", "$")]),
)
def test_a_hostile_value_stays_inside_its_quotes_and_means_itself(
    texts: list[str], quote: str, around: tuple[str, str]
) -> None:
    """The code around is untouched, no reference is left, and the literal says the value, whatever it holds."""
    values = {"x": Value(texts=tuple(texts))}
    before, after = around
    one = f"up{{a={quote}{before}${{x}}{after}{quote},b=~{quote}{before}[[x]]{after}{quote}}} / 2"
    code, literals = _outside(interpolate(one, values))
    sendable = [text.replace("\ud800", "\ufffd") for text in texts]

    assert code == "up{a=S,b=~S} / 2"
    assert _meant(literals[0]) == before + "|".join(sendable) + after
    if not before:
        assert all(re.fullmatch(_meant(literals[1]), text, re.DOTALL) for text in sendable)
        assert not re.fullmatch(_meant(literals[1]), "other", re.DOTALL)
    "".join(literals).encode()


@given(pattern=TEXTS, quote=st.sampled_from("\"'"))
def test_a_pattern_does_not_end_its_literal(pattern: str, quote: str) -> None:
    """An ``allValue`` goes in as it stands, but a quote or a line break in it ends nothing."""
    code, _ = _outside(interpolate(f"up{{a=~{quote}$x{quote}}}", {"x": Value(texts=(pattern,), pattern=True)}))

    assert code == "up{a=~S}"


@given(
    st.lists(
        st.sampled_from(
            ["up", '{a="$one"}', "[$two]", '{b=~"${one:regex}"}', "'[[two]]'", "`$one`", " + ", "$one", "(", '"']
        )
    )
)
def test_no_reference_to_a_given_variable_is_left(parts: list[str]) -> None:
    """However literals open and close, whole or broken, each reference is replaced."""
    values = {"one": Value(texts=("1",)), "two": Value(texts=("5m",))}

    assert not references(interpolate("".join(parts), values)) & values.keys()


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    """What is no query comes back as it is, when there is nothing to fill in."""
    assert interpolate(text, {}) == text
    assert _meant(quoted("a" + "\\\"'\n")) == "a\\\"'\n"


def test_a_title_takes_several_values_and_dates() -> None:
    """In prose nothing is escaped, several values are joined, and a moment becomes a date."""
    values = {**VALUES, "__from": Value(texts=("1769828400000",)), "__to": Value(texts=("9" * 40,))}

    assert in_prose("Errors of $many ($other)", values) == "Errors of a.b + c|d ($other)"
    assert in_prose("--from ${__from:date:iso}", values) == "--from 2026-01-31T03:00:00Z"
    assert in_prose("${__to:date:iso}", values) == "9" * 40
