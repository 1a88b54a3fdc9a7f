"""The optional parts of obskit, such as ``obskit[notebooks]``: how one is installed beside this obskit."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
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
    """Return ``pip install …`` for an extra, by the pip of the Python that runs.

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
        return f"{_pip()} install 'obskit[{extra}]'"
    try:
        here = folder.samefile(Path.cwd())
    except OSError:  # the current folder was deleted
        here = False
    quoted = shlex.quote(f"{'.' if here else folder}[{extra}]")
    return f"{_pip()} install {quoted}"


def _pip() -> str:
    """Return what a shell runs the pip of this Python by: another's would install where this obskit does not look."""
    found = shutil.which("pip")
    if found and Path(found).parent.samefile(Path(sys.executable).parent):
        return "pip"
    return f"{shlex.quote(sys.executable)} -m pip"
