"""Brings Grafana's own types and LogQL grammar here, once, with npm.

Both are published as npm packages only. `tools` installs the versions pinned in
``obskit/ascode/node/package.json`` into a cache folder, makes JSON Schemas of the types, and
returns the folder; from then on nothing is fetched. A folder belongs to one text of our node
files, so another version of obskit makes its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from obskit.ascode.check import Skipped
from obskit.escape import clean

#: Our node files: what is installed, and the two programs that are run.
OURS = Path(__file__).parent / "node"
#: Of the whole installation; it takes 5 s on a good line and downloads 12 MB.
INSTALL_SECONDS = 300.0
#: Of one run of a program; a thousand queries take under a second.
RUN_SECONDS = 60.0
#: Of a folder that is whole: a list of its files and their sizes, written last.
MARKER = ".obskit-complete"
#: After which a folder that is half made belongs to a process that was killed: six times what making one may take.
ABANDONED_SECONDS = 3600.0
#: After which a cache of another version of obskit is used by nobody.
UNUSED_SECONDS = 7 * 24 * 3600.0
_CACHE = re.compile(r"node-[0-9a-f]{12}")
_HALF_MADE = re.compile(r"\.node-[0-9a-f]{12}-\w+")
_MISSING = "npm is not here: install Node.js to have dashboards checked against Grafana's own types and LogQL grammar"


def default_folder() -> Path:
    """Return where the packages are kept: below ``~/.cache/obskit``, named by the content of our node files.

    Raises:
        Skipped: This user has no home.
    """
    key = hashlib.sha256()
    for file in sorted(OURS.iterdir()):
        key.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    try:
        return Path.home() / ".cache" / "obskit" / f"node-{key.hexdigest()[:12]}"
    except RuntimeError:
        raise Skipped("there is no home folder to keep Grafana's npm packages in: set HOME") from None


def tools(folder: Path | None = None, *, seconds: float = INSTALL_SECONDS) -> Path:
    """Return the folder that holds our programs, their packages and ``schemas/``.

    Where it is missing, or any file of it is, it is made first. It appears whole or not at all:
    it is made under another name and renamed, so that a second process, or one that is killed,
    spoils nothing. What such a one left behind, and what other versions of obskit kept and nobody
    used for a week, is removed then.

    Args:
        folder: Instead of `default_folder`.
        seconds: How long npm, and then node, may take.

    Raises:
        Skipped: There is no npm or node, or they could not do it; says why.
    """
    folder = folder or default_folder()
    if _is_whole(folder):
        with contextlib.suppress(OSError):  # a cache that may only be read serves as well
            os.utime(folder / MARKER)
        return folder
    npm, node = _program("npm"), _program("node")
    sys.stderr.write("obskit: fetching Grafana's types and LogQL grammar with npm, once; some seconds\n")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as made:
            new = Path(made) / "new"
            shutil.copytree(OURS, new)
            quiet = ("--no-audit", "--no-fund", "--no-package-lock", "--no-update-notifier", "--loglevel=error")
            _run([npm, "install", "--ignore-scripts", *quiet], new, seconds=seconds)
            _run([node, "schemas.mjs"], new, seconds=seconds)
            _mark(new)
            _put(new, folder)
        _clear(folder)
    except OSError as error:
        raise Skipped(
            f"Grafana's npm packages could not be kept in {folder.parent}: {error.strerror or type(error).__name__}"
        ) from None
    return folder


def run(program: str, given: object, folder: Path | None = None) -> Any:
    """Run one of our programs: JSON in, JSON out.

    Args:
        program: Its file, ``logql.mjs``.
        given: Written to its standard input.
        folder: Instead of `default_folder`.

    Raises:
        Skipped: There is no node, or it failed.
    """
    made = tools(folder)
    said = _run([_program("node"), program], made, given=json.dumps(given), seconds=RUN_SECONDS)
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        raise Skipped(f"node {program} answered what is no JSON: remove {made}, and it is made anew") from None


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Skipped(_MISSING.replace("npm", name, 1))
    return found


def _mark(folder: Path) -> None:
    """Write down what makes the folder whole."""
    files = {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    (folder / MARKER).write_text(json.dumps(files, sort_keys=True), encoding="utf-8")


def _is_whole(folder: Path) -> bool:
    """Tell whether every file is there as it was made; some 1600 of them, in a few hundredths of a second."""
    try:
        files = json.loads((folder / MARKER).read_bytes())
        return bool(files) and all((folder / name).stat().st_size == size for name, size in files.items())
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return False


def _put(new: Path, folder: Path) -> None:
    """Rename, unless another process was faster: then its folder is as good as ours. A damaged one gives way."""
    if _is_whole(folder):
        return
    with contextlib.suppress(FileNotFoundError):  # missing as it is, or moved by another process
        folder.rename(new.with_name("damaged"))
    try:
        new.rename(folder)
    except OSError:
        if not _is_whole(folder):
            raise


def _clear(folder: Path) -> None:
    """Remove what killed processes left half made, and caches of other versions that nobody uses any more."""
    for entry in sorted(folder.parent.iterdir()):
        half_made = _HALF_MADE.fullmatch(entry.name) or entry.name.startswith(f".{folder.name}-")
        if half_made:
            used, kept = entry, ABANDONED_SECONDS
        elif _CACHE.fullmatch(entry.name) and entry != folder:
            used, kept = (entry / MARKER if (entry / MARKER).is_file() else entry), UNUSED_SECONDS
        else:
            continue
        with contextlib.suppress(OSError):
            if time.time() - used.stat().st_mtime > kept:
                shutil.rmtree(entry, ignore_errors=True)


def _run(command: Sequence[str], folder: Path, *, given: str = "", seconds: float) -> str:
    name = Path(command[0]).name
    try:
        done = subprocess.run(  # noqa: S603 (a fixed command; what is checked goes to its standard input)
            command,
            cwd=folder,
            input=given,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Skipped(f"{name} {command[1]} took longer than {seconds:g} s") from None
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", "") or type(error).__name__
        raise Skipped(f"{name} {command[1]} could not be run: {why}") from None
    if done.returncode:
        raise Skipped(f"{name} {command[1]} failed: {_reason(done.stderr)}")
    return done.stdout


def _reason(said: str) -> str:
    """Return why, without the addresses that npm prints: they may hold a registry's password."""
    if code := re.search(r"npm (?:error|ERR!) code (\w+)", said):
        offline = code[1] in ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")
        return f"{code[1]}{' (is there a network?)' if offline else ''}"
    line = next((line for line in said.splitlines() if "Error" in line), "it gave no reason")
    return clean(re.sub(r"\w+://\S+", "…", line))[:200]
