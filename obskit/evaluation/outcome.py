"""One recording's answer beside its truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from obskit.evaluation.label import CALM, OTHER, Label
from obskit.model import Diagnosis, Verdict

Kind = Literal["incident", "calm", "decoy", "other"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
#: Verdicts that name a cause: a person would act on it.
NAMES = ("cause_found", "possible")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the engine said of one recording, and whether that was right.

    Attributes:
        name: The recording's.
        cause, acceptable, decoys: From its label.
        verdict: The engine's.
        first: Its first cause's id; "" when it has none.
        probability: Of the first cause; None without one.
        rank: Place of the first right cause, from 1; 0 when no right one is listed, or none can be.
        culprit, blamed: The service or entity that the label names, and the one that triage names; "" for none.
        culprit_right: None when the label names no culprit.
        onset_error: Seconds from the true onset to the one said, negative when too early; None when either is missing.
        seconds: Reading and thinking; None when times are not wanted.
    """

    name: str
    cause: str
    acceptable: tuple[str, ...] = ()
    decoys: tuple[str, ...] = ()
    verdict: Verdict
    first: str = ""
    probability: float | None = None
    rank: int = 0
    culprit: str = ""
    blamed: str = ""
    culprit_right: bool | None = None
    onset_error: float | None = None
    seconds: float | None = None

    @property
    def kind(self) -> Kind:
        """Return what sort of window it is; a calm one with innocents in it is a decoy."""
        if self.cause == CALM:
            return "decoy" if self.decoys else "calm"
        return "other" if self.cause == OTHER else "incident"

    @property
    def right(self) -> bool:
        """Say whether the answer is right: the cause named, calm, or (where none of ours is it) no cause named."""
        if self.kind == "incident":
            return self.rank == 1 and self.names
        return self.verdict == "calm" if self.kind in ("calm", "decoy") else not self.names

    @property
    def names(self) -> bool:
        """Say whether a cause was named, found or possible."""
        return self.verdict in NAMES

    @property
    def accepted(self) -> bool:
        """Say whether it is right by a cause that its label accepts beside the true one."""
        return self.kind == "incident" and self.right and self.first != self.cause

    @property
    def grade(self) -> float:
        """Return 0 (wrong) to 1 (right): the reciprocal rank; a half where a quiet window blames nobody."""
        if self.kind == "incident":
            return 1.0 / self.rank if self.rank else 0.0
        return 1.0 if self.right else 0.0 if self.names else 0.5

    @property
    def answer(self) -> str:
        """Return what a reader takes away: the first cause where one is named, else the verdict."""
        return self.first if self.names else self.verdict


def outcome(name: str, label: Label, diagnosis: Diagnosis, *, seconds: float | None) -> Outcome:
    """Hold a diagnosis against the truth.

    Args:
        name: The recording's.
        label: What happened.
        diagnosis: What the engine said.
        seconds: How long that took; None when times are not wanted.
    """
    causes = [h.cause for h in diagnosis.hypotheses]
    onset = None if label.onset is None or diagnosis.onset is None or not label.right else diagnosis.onset - label.onset
    return Outcome(
        name=name,
        cause=label.cause,
        acceptable=label.acceptable,
        decoys=label.decoys,
        verdict=diagnosis.verdict,
        first=causes[0] if causes else "",
        probability=diagnosis.hypotheses[0].probability if causes else None,
        rank=next((place for place, cause in enumerate(causes, 1) if cause in label.right), 0),
        culprit=label.culprit,
        blamed=diagnosis.culprit.service,
        culprit_right=_culprit_right(label, diagnosis),
        onset_error=None if onset is None else onset.total_seconds(),
        seconds=seconds,
    )


def _culprit_right(label: Label, diagnosis: Diagnosis) -> bool | None:
    """Compare the culprits; a task's id may be shortened on either side."""
    if not label.culprit or label.cause == CALM:
        return None
    found, task = diagnosis.culprit, diagnosis.culprit.task
    same_task = not label.task or (bool(task) and (task.startswith(label.task) or label.task.startswith(task)))
    return found.service == label.culprit and same_task
