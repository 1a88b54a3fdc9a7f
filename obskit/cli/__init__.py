"""The command line: parse, call, print. Everything else lives in the library."""

from __future__ import annotations

import sys


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 fine, 1 problems found, 2 wrong usage, 3 the outside world failed. What a user can cause
    is one clear message on stderr; a traceback is a bug.

    Args:
        argv: Arguments without the program's name; those of the process by default.
    """
    from obskit.cli.app import run  # typer takes a tenth of a second: `import obskit.cli` stays cheap

    return run(sys.argv[1:] if argv is None else argv)
