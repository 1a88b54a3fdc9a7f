"""Hostile text loses what could steer a terminal or deceive a reader."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.escape import clean, cut


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        ("bell\x07 back\x08space nul\x00", "bell backspace nul"),
        ("over\rwrite\nnext\tcolumn", "over write next column"),
        ("user\u202egpj.exe", "user\ufffdgpj.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("tag\U000e0041", "tag"),
        ("half \ud800 pair", "half \ufffd pair"),
        ("\x1b", ""),
        ("\x1b[", ""),
        ("naïve 日本語 🙂", "naïve 日本語 🙂"),
    ],
)
def test_what_steers_or_deceives_is_gone_and_the_rest_stays(hostile: str, harmless: str) -> None:
    """Escapes and controls vanish, bidirectional overrides become visible, letters stay."""
    assert harmless == clean(hostile)


def test_line_breaks_stay_where_they_are_asked_for() -> None:
    """A command may have several lines; every kind of line end becomes one."""
    assert clean("a\r\nb\u2028c\td", lines=True) == "a\nb\nc\td"


@given(st.text(alphabet=st.characters(codec=None)), st.booleans())
def test_any_text_comes_out_printable_and_writable(text: str, lines: bool) -> None:
    """No control, format or surrogate character survives, and cleaning twice changes nothing."""
    cleaned = clean(text, lines=lines)
    kept = cleaned.replace("\n", "").replace("\t", "") if lines else cleaned

    cleaned.encode("utf-8")
    assert not [
        c for c in kept if unicodedata.category(c) in {"Cc", "Cs"} or unicodedata.bidirectional(c) in {"RLO", "LRO"}
    ]
    assert cleaned == clean(cleaned, lines=lines)


@given(st.text(), st.integers(1, 40))
def test_a_cut_text_is_never_too_long(text: str, length: int) -> None:
    """What is longer ends in an ellipsis within the length; what fits is untouched."""
    short = cut(text, length)

    assert len(short) <= length
    assert short == text if len(text) <= length else short.endswith("…")
