"""Hostile text loses what could steer a terminal or deceive a reader."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from markupsafe import Markup

from obskit.escape import clean, cut, page_template


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


@pytest.mark.parametrize(("lines", "kept"), [(True, "a\nb"), (False, "a b")])
def test_what_a_page_prints_is_cleaned_and_escaped_but_for_our_own_markup(
    tmp_path: Path, lines: bool, kept: str
) -> None:
    """A template need not think of it: hostile text is harmless wherever it is printed."""
    path = tmp_path / "page.html.j2"
    path.write_text("{{ text }} {{ own }} {{ shout(number) }}")

    page = page_template(path, {"shout": lambda number: f"{number}!"}, lines=lines)
    shown = page.render(text="<a\x1b[31m\nb>", own=Markup("<wbr>"), number=3)

    assert shown == f"&lt;{kept}&gt; <wbr> 3!"


def test_a_page_with_a_name_that_nobody_gave_is_no_page(tmp_path: Path) -> None:
    """A hole in a report would look like a thing that is well."""
    path = tmp_path / "page.html.j2"
    path.write_text("{{ forgotten }}")

    with pytest.raises(UndefinedError, match="forgotten"):
        page_template(path, {}).render()
