"""`obskit postmortem`: a recording becomes the draft of its postmortem."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from obskit.asking import demo_bundle
from obskit.cli.output import writable
from obskit.errors import UsageError
from obskit.escape import clean
from obskit.files import write_text

if TYPE_CHECKING:
    from obskit.incident.losses import Objective

#: How the name of a draft may end.
_ENDINGS: Final = ("", ".md", ".markdown", ".txt")


def postmortem(bundle: Path | None, *, demo: bool, objective: str, out: Path | None) -> None:
    """Print the draft, or write it to *out*, which may hold what somebody wrote into an earlier one.

    Raises:
        UsageError: No recording is named, or two are; the objective is none; *out* cannot be written, is called
            something else than Markdown, or holds something else already.
        BundleError: The recording cannot be read.
    """
    from obskit.incident.losses import Objective

    path = chosen(bundle, demo=demo, command="obskit postmortem")
    promise = Objective(percent=objective)
    if out is not None:
        _markdown(out)
        writable(out)
    text = _draft(path, promise)
    if out is None:
        print(text, end="")
        return
    if out.is_file() and out.read_bytes() != text.encode():
        raise UsageError(
            f"{out} is there already and may hold what somebody wrote; nothing was written",
            hint="name another: --out FILE",
        )
    write_text(out, text)
    print(f"draft written to {clean(str(out.resolve()))}", file=sys.stderr)


def _markdown(out: Path) -> None:
    """Refuse a name that promises another format."""
    if out.suffix.lower() not in _ENDINGS:
        raise UsageError(f"{out} is no name of a draft: it is Markdown", hint="one that ends in .md, .markdown or .txt")


def chosen(bundle: Path | None, *, demo: bool, command: str) -> Path:
    """Return the one recording that was named.

    Args:
        bundle: What was typed.
        demo: Whether the incident that ships with obskit is meant.
        command: For the hint.

    Raises:
        UsageError: None was named, or two were.
    """
    if bundle is not None and demo:
        raise UsageError(f"{bundle} and --demo are two recordings", hint="drop one of them")
    if bundle is None and not demo:
        raise UsageError("which recording?", hint=f"{command} incident.obskit, or {command} --demo")
    return bundle or demo_bundle()


def _draft(path: Path, objective: Objective) -> str:
    from obskit.incident.investigate import investigate
    from obskit.incident.report import as_postmortem
    from obskit.sources.bundle import read_bundle

    held = read_bundle(path)
    diagnosis = investigate(held.telemetry, service=held.service, window=held.window)
    return as_postmortem.render(diagnosis, held.telemetry, recording=path.name, objective=objective)
