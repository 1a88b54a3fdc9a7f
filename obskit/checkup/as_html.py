"""A round as one HTML file that opens offline and asks the network for nothing."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from obskit.checkup import wording as say
from obskit.checkup.words import Round
from obskit.escape import clean
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
    """Return the page's template; whatever it prints is cleaned, then escaped."""
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: clean(value) if isinstance(value, str) and not hasattr(value, "__html__") else value,
    )
    environment.globals.update(say=say, stamp=stamp)
    return environment.get_template("page.html.j2")
