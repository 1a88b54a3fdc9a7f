"""A picture of a preview, taken by a headless Chromium."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from obskit.errors import SourceError, UsageError

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
#: A page of a hundred panels takes some two seconds; a browser that hangs is not waited for longer.
_SECONDS = 60.0
#: Textures beyond this are cut by the browser without a word.
_MOST_PIXELS = 16_000
_HEIGHT = re.compile(r'<body data-height="(\d+)"')
_SWITCHES = (
    "headless",
    "no-first-run",
    "hide-scrollbars",
    "disable-gpu",
    "disable-background-networking",
    "disable-component-update",
    "disable-sync",
    "disable-extensions",
    "disable-dev-shm-usage",  # containers give it 64 MB, too little for a long page
    "force-color-profile=srgb",
    # The page asks for nothing; the browser of its own accord shall not either.
    "host-resolver-rules=MAP * ~NOTFOUND",
)


def shoot(html_path: Path, png_path: Path, chromium: str | None = None, width: int = 1600) -> None:
    """Write a PNG of a page that `render` made, in its whole height.

    Args:
        html_path: The page.
        png_path: Where to; replaced only by a whole picture.
        chromium: The browser's program; one of `BROWSERS` on the PATH by default.
        width: Pixels.

    Raises:
        UsageError: There is no browser, the page is none of ours, or it is too high for a picture.
        SourceError: The browser failed or hung.
    """
    browser = _browser(chromium)
    height = _height(html_path)
    with tempfile.TemporaryDirectory(prefix="obskit-preview-") as folder:
        picture = Path(folder) / "page.png"
        switches = [*_SWITCHES, f"user-data-dir={folder}/profile", f"window-size={width},{height}"]
        if os.geteuid() == 0:
            switches.append("no-sandbox")  # Chromium refuses to run as root with it; the page holds no script
        command = [browser, *(f"--{s}" for s in switches), f"--screenshot={picture}", html_path.resolve().as_uri()]
        said = _run(command)
        if not picture.is_file():
            from obskit.sources.http import server_words  # requests is slow to import

            raise SourceError(
                "Chromium took no picture", where={"with": browser, "said": server_words(said[-600:])}, hint=_OPEN
            )
        partial = png_path.with_name(png_path.name + ".part")
        shutil.copyfile(picture, partial)
        partial.replace(png_path)


_OPEN = "open the page itself instead"


def _browser(named: str | None) -> str:
    names = (named,) if named else BROWSERS
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise UsageError(
            f"there is no browser: looked for {', '.join(names)}",
            hint="install Chromium (Debian: apt-get install chromium), or open the page itself",
        )
    return found


def _height(page: Path) -> int:
    try:
        head = page.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the page {page} cannot be read: {error}") from error
    found = _HEIGHT.search(head)
    if found is None:
        raise UsageError(f"{page} is no preview of obskit")
    height = int(found[1])
    if height > _MOST_PIXELS:
        raise UsageError(f"the page is {height} pixels high, too high for a picture", hint=_OPEN)
    return height


def _run(command: list[str]) -> bytes:
    """Run the browser and return what it said; it and its children end with it."""
    process = subprocess.Popen(  # noqa: S603 (a program that the caller named, and our own arguments)
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        return process.communicate(timeout=_SECONDS)[1]
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"Chromium took no picture within {_SECONDS:g} s", hint=_OPEN) from error
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
