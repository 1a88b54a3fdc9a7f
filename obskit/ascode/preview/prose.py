"""Text panels: the little of Markdown that dashboards use, as harmless markup."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from obskit.escape import clean

#: Applied to text that is escaped already; none of the patterns can match markup.
_INLINE = (
    (re.compile(r"`([^`\n]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*([^*\n]+)\*\*"), r"<b>\1</b>"),
    # An address is shown, not linked: it was written by others.
    (re.compile(r"\[([^\]\n]+)\]\(([^)\s]+)\)"), r"\1 (<code>\2</code>)"),
)
_HEADING = re.compile(r"#{1,6}\s+(.*)")
_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+(.*)")


def markup(text: str) -> Markup:
    """Return headings, lists, paragraphs, bold and code; everything else as the text that it is."""
    out: list[str] = []
    listed = False
    for line in clean(text, lines=True).split("\n"):
        item = _ITEM.fullmatch(line)
        if bool(item) != listed:
            out.append("<ul>" if item else "</ul>")
            listed = bool(item)
        heading = _HEADING.fullmatch(line)
        if item:
            out.append(f"<li>{_inline(item[1])}</li>")
        elif heading:
            out.append(f'<p class="head">{_inline(heading[1])}</p>')
        elif line.strip():
            out.append(f"<p>{_inline(line)}</p>")
    return Markup("\n".join([*out, *(["</ul>"] if listed else [])]))  # noqa: S704  every text in it is escaped


def _inline(text: str) -> str:
    safe = str(escape(text))
    for pattern, put in _INLINE:
        safe = pattern.sub(put, safe)
    return safe
