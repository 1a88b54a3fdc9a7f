"""What is filled into commands that people paste."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.incident.placeholders import filled, names, whole


@given(st.text(), st.text(), st.text())
def test_whatever_a_name_is_it_stays_one_word_of_the_command(service: str, cluster: str, blamed: str) -> None:
    """A shell reads as many words as the command has, and no option that it has not."""
    words = shlex.split(filled("ecs $cluster $service $culprit", names(service, cluster, blamed)))

    assert len(words) == 4
    assert not any(word.startswith("-") for word in words)


def test_plain_names_are_filled_in_and_others_named_by_what_they_are() -> None:
    """What nobody filled in is seen at once; a dollar that is no placeholder of ours is the shell's own."""
    known = names("shop", "$(reboot)", "pay/v2")

    assert filled("a $service $cluster $culprit $(date) $HOME", known) == "a shop CLUSTER pay/v2 $(date) $HOME"


@given(st.text(), st.lists(st.text()))
def test_whatever_a_task_or_a_revision_is_it_stays_one_word_of_the_command(task: str, revisions: list[str]) -> None:
    """Ids come from labels and events as names do."""
    known = names("shop", "prod", "shop", task=task, revisions=revisions)
    words = shlex.split(filled("ecs $task $before $family:REVISION", known))

    assert len(words) == 4
    assert not any(word.startswith("-") for word in words)


@pytest.mark.parametrize(
    ("revisions", "before"),
    [
        ((), "FAMILY:REVISION"),
        (("shop:57",), "shop:REVISION"),
        (("shop:57", "shop:57", "shop:56"), "shop:56"),
        (("shop:9", "shop:10"), "shop:9"),
        (("shop:55", "shop:57", "shop:56"), "shop:REVISION"),
        (("shop:2", "web:1"), "FAMILY:REVISION"),
        (("shop:2;reboot",), "FAMILY:REVISION"),
    ],
)
def test_what_ran_before_is_named_where_two_revisions_tell_it(revisions: tuple[str, ...], before: str) -> None:
    """Who rolls back at night is told to what; where the numbers do not tell, nobody guesses."""
    assert names("shop", "prod", "shop", revisions=revisions)["before"] == before


@pytest.mark.parametrize(
    ("task", "known", "told"),
    [
        ("fc35b1bc8425", ("fc35b1bc8425d11b", "03c50578c22adc08"), "fc35b1bc8425d11b"),
        ("fc35b1bc8425", ("fc35b1bc8425", "03c50578c22a"), "fc35b1bc8425"),
        ("fc35", ("fc35b1bc", "fc35ffff"), "fc35"),
        ("", ("fc35b1bc",), ""),
    ],
)
def test_a_task_whose_label_was_cut_has_its_whole_id_where_one_was_seen(
    task: str, known: tuple[str, ...], told: str
) -> None:
    """ECS takes no beginning of an id; where several begin so, none is picked."""
    assert whole(task, known) == told
