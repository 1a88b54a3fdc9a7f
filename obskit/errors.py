"""Everything obskit raises on purpose.

ObskitError
├── UsageError     what was asked cannot be asked (exit code 2)
├── SettingsError  the configuration is wrong (exit code 2)
├── BundleError    a recording cannot be read or written (exit code 2)
└── SourceError    the outside world failed (exit code 3)

Finer ones (of AWS, Grafana, a push, a time limit) stand in the rooms that raise them.

A message has one headline that says what went wrong, indented lines that say where and
with what, and a last ``try:`` line that says what to do next. The command line prints it as
it stands, without a traceback; a traceback always means a bug in obskit.
"""

from __future__ import annotations


class ObskitError(Exception):
    """The root: what went wrong, where, with what, and what to do next.

    Args:
        what: One sentence, without a full stop.
        where: Named facts of the failure (query, window, file, answer), printed in order;
            empty ones are left out.
        hint: What the reader can do about it.

    Example:
        >>> import obskit
        >>> try:
        ...     obskit.open_bundle("missing.obskit")
        ... except obskit.ObskitError as error:
        ...     print(error)
        missing.obskit is no file
          try: name a file that `obskit record` has written
    """

    exit_code = 1

    def __init__(self, what: str, *, where: dict[str, str] | None = None, hint: str = "") -> None:
        self.what = what
        self.where = {key: value for key, value in (where or {}).items() if value}
        self.hint = hint
        super().__init__(what)

    def __str__(self) -> str:
        rows = {**self.where, **({"try": self.hint} if self.hint else {})}
        width = max((len(key) for key in rows), default=0) + 1
        return "\n".join([self.what, *(f"  {key + ':':<{width}} {value}" for key, value in rows.items())])


class UsageError(ObskitError):
    """What was asked cannot be asked: an unknown service, an inverted window, a wrong file."""

    exit_code = 2


class SettingsError(ObskitError):
    """obskit.toml or an OBSKIT_* variable holds something that cannot be used."""

    exit_code = 2


class BundleError(ObskitError):
    """A recording is damaged, too large, from a newer obskit, or cannot be written."""

    exit_code = 2


class SourceError(ObskitError):
    """A source was unreachable, slow, refused, or answered what cannot be read."""

    exit_code = 3


def one_line(error: ObskitError) -> str:
    """Return an error on one line, its parts told apart: ``what; aws: denied; try: another role``."""
    facts = {**error.where, **({"try": error.hint} if error.hint else {})}
    parts = [error.what, *(f"{name}: {value}" for name, value in facts.items())]
    return "; ".join(" ".join(part.split()) for part in parts)
