"""What is filled into commands that people paste."""

from __future__ import annotations

import shlex

from hypothesis import given
from hypothesis import strategies as st

from obskit.incident.placeholders import filled, names


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
