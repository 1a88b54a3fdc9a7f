"""Let the engine look at a corpus."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from obskit.errors import BundleError, UsageError, one_line
from obskit.evaluation.corpus import Corpus, Labelled, LeftOut
from obskit.evaluation.degrade import without
from obskit.evaluation.outcome import Outcome, outcome
from obskit.incident.calibration import Calibration
from obskit.incident.investigate import investigate
from obskit.model import Pillar, stamp
from obskit.progress import Tell
from obskit.sources.bundle import Recording, read_bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What the engine said of a corpus.

    Attributes:
        outcomes: By name.
        skipped: Recordings that have no label, labels that have no recording.
        failed: What could not be read, and why.
        lost: Pillars that were taken away from each recording.
    """

    outcomes: tuple[Outcome, ...]
    skipped: tuple[LeftOut, ...] = ()
    failed: tuple[LeftOut, ...] = ()
    lost: tuple[Pillar, ...] = ()


def evaluate(
    corpus: Corpus,
    *,
    calibration: Calibration | None,
    clock: Callable[[], float] | None,
    tell: Tell,
    of_family: Mapping[str, Calibration] = MappingProxyType({}),
    lost: Sequence[Pillar] = (),
) -> Evaluation:
    """Investigate every recording and hold the answers against the labels. A recording that is damaged fails alone.

    Args:
        corpus: From `obskit.evaluation.corpus.find`.
        calibration: Another than the one that comes with obskit.
        clock: Seconds that only go forward; None when times are not wanted.
        tell: Called with what is being looked at.
        of_family: For each family of incidents (see `Labelled.family`) one of its own, over *calibration*.
        lost: The pillars that are taken away from each recording.
    """
    outcomes: list[Outcome] = []
    failed = list(corpus.failed)
    now = clock or (lambda: 0.0)
    for number, one in enumerate(corpus.labelled, start=1):
        tell(f"{number} of {len(corpus.labelled)}, {one.name}")
        begun = now()
        try:
            recording = recorded(one)
        except (BundleError, UsageError) as error:
            failed.append(LeftOut(one.name, one_line(error)))
            continue
        diagnosis = investigate(
            without(recording.telemetry, *lost),
            service=recording.service,
            window=recording.window,
            calibration=of_family.get(one.family, calibration),
        )
        seconds = now() - begun if clock else None
        outcomes.append(outcome(one.name, one.label, diagnosis, seconds=seconds))
    return Evaluation(outcomes=tuple(outcomes), skipped=corpus.skipped, failed=tuple(sorted(failed)), lost=tuple(lost))


def recorded(one: Labelled) -> Recording:
    """Read a recording.

    Raises:
        BundleError: It cannot be read.
        UsageError: Its label speaks of another service, or of another time.
    """
    recording = read_bundle(one.path)
    if one.label.service and one.label.service != recording.service.name:
        raise UsageError(f"the label speaks of {one.label.service}, the recording is of {recording.service.name}")
    begin, onset, end = recording.window.with_baseline().start, one.label.onset, recording.window.end
    if onset is not None and not begin <= onset <= end:
        raise UsageError(
            f"the label's onset, {stamp(onset)}, lies outside the recording: {stamp(begin)} to {stamp(end)}"
        )
    return recording
