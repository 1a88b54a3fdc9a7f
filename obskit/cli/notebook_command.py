"""`obskit notebook`: a recording becomes a notebook that opens it."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from obskit.cli.output import writable
from obskit.cli.postmortem_command import chosen
from obskit.errors import UsageError
from obskit.escape import clean
from obskit.extras import to_install
from obskit.files import write_text

if TYPE_CHECKING:
    from obskit.sources.bundle import Recording

_SUFFIX = ".ipynb"


def notebook(bundle: Path | None, *, demo: bool, out: Path | None) -> None:
    """Write the notebook; beside the recording where no other place is named.

    Raises:
        UsageError: No recording is named, or two are; the place is taken, no notebook's name, or cannot be written.
        BundleError: The recording cannot be read.
    """
    from obskit.sources.bundle import read_bundle

    path = chosen(bundle, demo=demo, command="obskit notebook")
    held = read_bundle(path)  # first: what is no file has no place beside it
    place = out or (Path(f"demo{_SUFFIX}") if demo else path.with_suffix(_SUFFIX))
    if place.suffix != _SUFFIX:
        raise UsageError(f"{place} is no name of a notebook", hint=f"Jupyter opens names that end in {_SUFFIX}")
    writable(place)
    if place.exists():
        raise UsageError(
            f"{place} is there already and may hold notes; nothing was written", hint="name another: --out FILE"
        )
    write_text(place, _made(held, None if demo else _seen_from(place, path)))
    print(_shown(str(place)))
    print(f"open it: jupyter lab {_shown(shlex.quote(str(place)))}{_missing()}", file=sys.stderr)


def _missing() -> str:
    """Return what to do first where nothing opens a notebook here; "" where something does."""
    if shutil.which("jupyter") or importlib.util.find_spec("jupyterlab"):
        return ""
    return f"\n  Jupyter is not installed here: {to_install('notebooks')}"


def _shown(path: str) -> str:
    """Return a path as a terminal may show it; its blanks stay as many, for a script may read it."""
    return re.sub(r"\s", " ", clean(path, lines=True))


def _seen_from(place: Path, bundle: Path) -> str:
    """Return where the recording is, seen from the notebook's folder; on another drive there is only the whole path."""
    whole = bundle.resolve()
    try:
        return Path(os.path.relpath(whole, place.resolve().parent)).as_posix()
    except ValueError:
        return str(whole)


def _made(held: Recording, bundle: str | None) -> str:
    from obskit.analysis import notebook_file
    from obskit.incident.investigate import investigate

    diagnosis = investigate(held.telemetry, service=held.service, window=held.window)
    return notebook_file.notebook(diagnosis, held.telemetry, bundle=bundle)
