"""Every link is an address that a browser can open.

What it looks for: a link of a dashboard, a panel, its data or its Markdown without an address; with
another scheme than http, https and mailto; without a host after http; with a port that is none;
with blanks in it.

Why: the link is there, is clicked, and nothing happens. An address with ``javascript:`` does
something, as whoever is logged in.

How to mend it: write ``https://HOST/PATH``, or a path of Grafana that begins with ``/``.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from obskit.ascode.check import Case
from obskit.ascode.check._links import links
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each link that leads nowhere."""
    for definition in case.definitions:
        for link in links(definition):
            wrong = _wrong(link.url)
            if wrong:
                yield link.problem(definition, wrong, hint="write https://HOST/PATH, or a path that begins with /")


def _wrong(url: str) -> str:
    """Return what is wrong with an address, or ""."""
    if not url.strip():
        return "there is no address"
    if any(sign.isspace() for sign in url):
        return "the address has blanks in it"
    # A variable, a path, a place on the same page are Grafana's to complete.
    return "" if url.startswith(("$", "/", "#", "?")) else _wrong_absolute(url)


def _wrong_absolute(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return f"the address cannot be read: {error}"
    if parts.scheme in ("http", "https"):
        return "" if host else "there is no host in the address"
    return "" if parts.scheme in ("", "mailto") else f"a browser should not open {parts.scheme}: from here"
