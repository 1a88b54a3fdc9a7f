"""Links to runbooks name a file that is there.

What it looks for: a link of a dashboard, a panel, its data or its Markdown that is called runbook,
or whose path has a folder ``runbooks`` or ends in ``.md``, and whose end names no file below the
folder of runbooks. ``.md`` and a slash at the end may be left out, as sites of pages do.

Why: the runbook is opened when somebody does not know what to do. "404" is then all the help.

How to mend it: write the page, or correct the link.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from obskit.ascode.check import Case, Skipped
from obskit.ascode.check._links import Link, links
from obskit.ascode.definition import Problem, shown


def problems(case: Case) -> Iterable[Problem]:
    """Yield each link to a runbook that is not there.

    Raises:
        Skipped: There are such links, and no folder of runbooks.
    """
    found = [(d, link, path) for d in case.definitions for link in links(d) if (path := _path(link))]
    if found and not case.runbooks.is_dir():
        raise Skipped(f"there is no folder {shown(case.runbooks)}: name the one that holds the runbooks")
    for definition, link, path in found:
        if not _is_there(path, case.runbooks):
            yield link.problem(
                definition, f"{shown(case.runbooks)} has no page {path!r}", hint="write the page, or correct the link"
            )


def _path(link: Link) -> str:
    """Return the path of a link to a runbook; "" when it is to something else, or a variable names it."""
    try:
        path = unquote(urlsplit(link.url).path)
    except ValueError:  # the check link-urls says so
        return ""
    parts = path.split("/")
    is_runbook = "runbook" in link.title.lower() or "runbooks" in parts or path.endswith(".md")
    return path if is_runbook and "$" not in path and not link.dashboard else ""


def _is_there(path: str, folder: Path) -> bool:
    parts = [part for part in path.split("/") if part and part != "."]
    if ".." in parts:
        return False
    if "runbooks" in parts:
        last = len(parts) - 1 - parts[::-1].index("runbooks")
        ends = [parts[last + 1 :]]
    else:
        # Whatever the address that the folder is published at, the end of the path is the file's.
        ends = [parts[start:] for start in range(len(parts))]
    return any(_is_page(folder.joinpath(*end)) for end in ends)


def _is_page(path: Path) -> bool:
    return path.exists() or path.with_name(f"{path.name}.md").is_file()
