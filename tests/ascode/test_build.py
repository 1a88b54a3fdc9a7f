"""What is built is what the definitions say, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from obskit.ascode.build import as_text, build
from obskit.ascode.definition import Definition
from obskit.errors import UsageError


def definition(name: str) -> Definition:
    """Return a dashboard of a name."""
    model = {"uid": f"obskit-{name}", "title": name, "panels": []}
    return Definition(name=name, path=Path(f"{name}.dashboard.py"), source="", model=model)


ONE, TWO = definition("one"), definition("two")


def test_what_is_defined_no_more_is_taken_away_by_a_whole_build(tmp_path: Path) -> None:
    """Grafana would go on to provision it; a build of a part says nothing about the others."""
    build([ONE, TWO], tmp_path, complete=True)
    part, whole = build([ONE], tmp_path), build([ONE], tmp_path, complete=True)

    assert [(path.stem, state) for path, state in part] == [("one", "same")]
    assert [(path.stem, state) for path, state in whole] == [("one", "same"), ("two", "removed")]
    assert not (tmp_path / "two.json").exists()


def test_what_somebody_changed_since_is_kept_and_said(tmp_path: Path) -> None:
    """It is theirs by now."""
    build([ONE, TWO], tmp_path, complete=True)
    (tmp_path / "two.json").write_text("{}", encoding="utf-8")
    path, state = build([ONE], tmp_path, complete=True)[1]

    assert (path.stem, state) == ("two", "kept")
    assert (tmp_path / "two.json").exists()


def test_a_number_that_json_has_no_word_for_is_the_definitions_mistake() -> None:
    """With what is wrong, and no traceback."""
    with pytest.raises(UsageError, match="is no JSON"):
        as_text({"x": float("inf")})
