"""A round as one HTML file that opens offline and asks the network for nothing."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Template
from markupsafe import Markup

from obskit.checkup import wording as say
from obskit.checkup.words import Round
from obskit.escape import page_template
from obskit.model import stamp

_HERE = Path(__file__).parent


def render(found: Round) -> str:
    """Return the page: what is wrong first, then every signal of every system, then what was not seen.

    It has no script, follows the reader's light or dark setting, prints, and its content security
    policy forbids every request.
    """
    style = (_HERE / "page.css").read_text("utf-8")
    return _template().render(found=found, style=Markup(style))  # noqa: S704  our own file


@cache
def _template() -> Template:
    return page_template(_HERE / "page.html.j2", {"say": say, "stamp": stamp}, lines=False)
