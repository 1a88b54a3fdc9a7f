"""What releases, rollbacks and ``obskit deploy events`` refuse, before anything is done to a stack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.standing import SERVICE, Standing, Typed, minutes_ago, standing, typed


@pytest.fixture(scope="module")
def shop() -> Iterator[Standing]:
    """Yield one stack for all that is refused; in the end nothing was done to it."""
    with standing(began=minutes_ago(25)) as found:
        there = set(found.fargate.world.tasks)
        yield found
        assert found.revision == "shop-demo-app:1"
        assert set(found.fargate.world.tasks) == there


@pytest.fixture
def obskit(
    shop: Standing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """Return the command line in an empty folder."""
    return typed(shop, monkeypatch, tmp_path, capsys)


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("release", "demo-ap", "--name", "shop", "--image", "2"), 2, "there are demo-app"),
        (("release", SERVICE, "--name", "other", "--image", "2"), 2, "there is no stack other in eu-west-1"),
        (("release", SERVICE, "--name", "shop", "--image", "a b"), 2, "is no image"),
        (("release", "grafana", "--name", "shop", "--image", "1"), 2, "has no service grafana"),
        (("events", "demo-ap", "--name", "shop"), 2, "there are demo-app"),
        (("events", "--name", "other"), 2, "there is no stack other in eu-west-1"),
        (("release", SERVICE, "--name", "shop"), 2, "--image"),
        (("release", SERVICE, "--image", "2"), 2, "there is no file stack.toml"),
        (("release", SERVICE, "--name", "shop", "--image", "2", "--format", "yaml"), 2, "there is no format"),
        (("rollback", SERVICE, "--name", "shop"), 2, "no earlier revision that was good"),
        (("rollback", SERVICE, "--name", "shop", "--to", "9"), 2, "has no revision 9 to go back to"),
        (("events", "--name", "shop", "--since", "soon"), 2, "is no duration"),
    ],
)
def test_refusals(obskit: Typed, argv: tuple[str, ...], code: int, words: str) -> None:
    """One message on stderr, nothing on stdout."""
    said = obskit("deploy", *argv)

    assert (said.code, said.out) == (code, "")
    assert words in said.err
