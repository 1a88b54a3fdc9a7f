"""Hostile text made harmless: labels, log lines and messages were written by others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template

#: ANSI and ECMA-48 sequences: CSI (colours, cursor), OSC and its kin (titles, links) up to
#: their end, then any other two-character escape; the 8-bit forms as well.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)

_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")

#: Bidirectional controls reorder what a person reads; a visible mark shows that one was there.
_BIDI = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

#: What has no shape: controls, zero-width characters, and the invisible tag block. The
#: zero-width joiner goes too: an emoji that falls apart harms nobody.
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200d\u2060-\u2064\ufeff\U000e0000-\U000e007f]")

#: Half of a surrogate pair cannot be written as UTF-8.
_BROKEN = re.compile(r"[\ud800-\udfff\ufffe\uffff]")


def clean(text: str, *, lines: bool = False) -> str:
    r"""Return the text without anything that could steer a terminal or deceive a reader.

    Escape sequences and control characters go; bidirectional overrides and broken surrogates
    become a visible mark. This is not yet HTML or Markdown escaping.

    Args:
        text: Anything.
        lines: Keep line breaks (as ``\n``) and tabs; otherwise they become one space.
    """
    text = _LINE_ENDS.sub("\n", _ESCAPES.sub("", text))
    text = _BROKEN.sub("\ufffd", _BIDI.sub("\ufffd", _INVISIBLE.sub("", text)))
    return text if lines else re.sub(r"\s+", " ", text).strip()


def cut(text: str, length: int) -> str:
    """Return at most *length* characters; what is longer ends in ``…``.

    Args:
        text: Anything.
        length: At least 1.
    """
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def page_template(path: Path, names: Mapping[str, object], *, lines: bool = True) -> Template:
    """Return the template of an HTML page; whatever it prints is cleaned, then escaped.

    Args:
        path: The template's file.
        names: What it can use besides what it is rendered with.
        lines: Line breaks and tabs in what it prints stay, as of `clean`.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # only pages need it

    def harmless(value: object) -> object:
        return clean(value, lines=lines) if isinstance(value, str) and not hasattr(value, "__html__") else value

    environment = Environment(
        loader=FileSystemLoader(path.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=harmless,
    )
    environment.globals.update(names)
    return environment.get_template(path.name)
