"""The optional parts of obskit, such as ``obskit[notebooks]``: how one is installed beside this obskit."""

from __future__ import annotations

import json
import shlex
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname


def to_install(extra: str) -> str:
    """Return the command that installs an extra beside this obskit, from where this one came.

    Args:
        extra: ``notebooks``, ``fleet``, ``lab``.
    """
    try:
        recorded = metadata.distribution("obskit").read_text("direct_url.json")
    except metadata.PackageNotFoundError:  # run from a folder that was never installed
        recorded = None
    return command(extra, recorded or "{}")


def command(extra: str, recorded: str) -> str:
    """Return ``pip install …`` for an extra.

    Args:
        extra: As `to_install`.
        recorded: What installers write beside an installation that came from no index (PEP 610); ``{}`` for
            nothing. A folder that is not there any more counts as nothing.
    """
    try:
        url = str(json.loads(recorded)["url"])
    except (ValueError, TypeError, KeyError):
        url = ""
    folder = Path(url2pathname(urlsplit(url).path)) if url.startswith("file:") else None
    if folder is None or not (folder / "pyproject.toml").is_file():
        return f"pip install 'obskit[{extra}]'"
    place = "." if folder.resolve() == Path.cwd() else str(folder)
    quoted = shlex.quote(f"{place}[{extra}]")
    return f"pip install {quoted}"
