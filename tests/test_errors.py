"""How errors read."""

from __future__ import annotations

from obskit.errors import SourceError, UsageError, one_line


def test_an_error_fits_on_one_line_with_its_parts_told_apart() -> None:
    """What was said beside it keeps its name; line breaks of others do not break the line."""
    error = SourceError("Loki refused", where={"query": "{app}", "said": "no\n  labels"}, hint="name a label")

    assert one_line(error) == "Loki refused; query: {app}; said: no labels; try: name a label"


def test_an_error_that_says_nothing_more_is_its_headline() -> None:
    """Empty facts leave no empty parts."""
    assert one_line(UsageError("nothing was named", where={"in": ""})) == "nothing was named"
