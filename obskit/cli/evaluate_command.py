"""`obskit evaluate` and `obskit calibrate`: how often the engine is right, and how sure it may be."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from obskit.asking import made_by
from obskit.cli.output import form_for, harmless, known_form, progress, writable
from obskit.errors import UsageError
from obskit.files import write_text
from obskit.settings_values import nearest

if TYPE_CHECKING:
    from obskit.evaluation.corpus import LeftOut
    from obskit.evaluation.fit import Fitted, Quality
    from obskit.evaluation.outcome import Outcome
    from obskit.model import Pillar

FORMS = ("text", "json")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateAsk:
    """What shall be evaluated.

    Attributes:
        bundles: Files and folders.
        against: An earlier evaluation as JSON.
        calibration: Another than the one that comes with obskit.
        strict: Exit 1 when anything got worse, or cannot be compared any more.
        times: Whether times are told; without them the same corpus gives the same bytes.
        cross_validate: Each family of incidents is judged by a calibration that was fitted to all others.
        lost: The pillars that are taken away from each recording.
    """

    bundles: Sequence[Path]
    against: Path | None = None
    calibration: Path | None = None
    strict: bool = False
    times: bool = True
    cross_validate: bool = False
    lost: Sequence[str] = ()


def evaluate(ask: EvaluateAsk, *, form: str, out: Path | None) -> None:
    """Evaluate and print; exit 1 when a recording cannot be read, or (strict) when something got worse.

    Args:
        ask: What.
        form: One of `FORMS`; "" for what the file's name says.
        out: The file; None for stdout.

    Raises:
        UsageError: There is no labelled recording, no such format, place or earlier evaluation.
    """
    from obskit.evaluation import as_json, as_text
    from obskit.evaluation.against import compare
    from obskit.evaluation.corpus import find
    from obskit.evaluation.fit import fit_without_each, samples_of
    from obskit.evaluation.run import evaluate as run
    from obskit.incident.calibration import read_calibration

    if ask.cross_validate and ask.calibration:
        raise UsageError(
            "--cross-validate fits calibrations of its own", hint="leave --calibration out, or --cross-validate"
        )
    if ask.strict and ask.against is None:
        raise UsageError("--strict compares with an earlier evaluation", hint="give one: --against OLD.json")
    lost = tuple(dict.fromkeys(_pillar(name) for name in ask.lost))
    form = form_for(form, out, FORMS)
    if out is not None:
        writable(out)
    earlier = _earlier(ask.against) if ask.against else None
    calibration = read_calibration(ask.calibration) if ask.calibration else None
    corpus = find(ask.bundles)
    clock = time.perf_counter if ask.times else None
    with progress("evaluating") as tell:
        of_family = fit_without_each(samples_of(corpus, tell=tell)[0]) if ask.cross_validate else {}
        found = run(corpus, calibration=calibration, clock=clock, tell=tell, of_family=of_family, lost=lost)
    compared = None if earlier is None else compare(earlier, found)
    if form == "json":
        text = _json(as_json.document(found, compared=compared))
    else:
        text = "\n".join(as_text.lines(found, compared=compared)) + "\n"
    _print(text, out)
    worse = ask.strict and compared is not None and compared.is_worse
    raise typer.Exit(1 if found.failed or worse else 0)


def _pillar(name: str) -> Pillar:
    from obskit.evaluation.degrade import SOURCES

    for pillar in SOURCES:
        if name == pillar:
            return pillar
    raise UsageError(f"there is no pillar {name[:80]!r}", hint=nearest(name, SOURCES))


def _earlier(path: Path) -> dict[str, Outcome]:
    from obskit.evaluation.against import outcomes_of

    try:
        held = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"{path} is no evaluation",
            where={"said": str(error)},
            hint="obskit evaluate BUNDLES --format json --out OLD.json writes one",
        ) from error
    return outcomes_of(held, name=str(path))


def calibrate(bundles: Sequence[Path], *, out: Path, force: bool, form: str, degraded: bool) -> None:
    """Fit the probabilities, print what they are worth, and write them unless they are worse.

    Raises:
        UsageError: There are too few incidents, all of one kind, or no place to write to.
    """
    from obskit.evaluation.corpus import find
    from obskit.evaluation.fit import fit, samples_of

    known_form(form, *FORMS)
    writable(out)
    with progress("calibrating") as tell:
        samples, failed = samples_of(find(bundles), tell=tell, degraded=degraded)
        tell(f"leaving one family out at a time, {len(samples)} recordings")
        fitted = fit(samples)
    writes = force or not fitted.is_worse
    if writes:
        write_text(out, _json(_file(fitted)))
    if form == "json":
        print(_json({**_file(fitted), "written": writes, "failed": [asdict(one) for one in failed]}), end="")
    else:
        print("\n".join(_told(fitted, failed)))
    if writes:
        print(f"calibration written to {out.resolve()}", file=sys.stderr)
    else:
        print("not written: the weights as they are do better on what the fit never saw (--force)", file=sys.stderr)
    raise typer.Exit(0 if writes and not failed else 1)


def _file(fitted: Fitted) -> dict[str, Any]:
    """Return what the engine loads: two numbers, and for people where they come from."""
    from obskit.incident.calibration import SCHEMA_VERSION

    return {
        "schema_version": SCHEMA_VERSION,
        "temperature": fitted.calibration.temperature,
        "unknown": fitted.calibration.unknown,
        "fitted_on": {
            "recordings": fitted.recordings,
            "samples": fitted.samples,
            "samples_of_incidents": fitted.incidents,
            "families": fitted.families,
            "causes": fitted.causes,
        },
        "one_family_left_out_at_a_time": {"before": _rounded(fitted.before), "after": _rounded(fitted.after)},
        "made_by": made_by(),
    }


def _rounded(held: Quality) -> dict[str, float]:
    return {
        "log_loss": round(held.log_loss, 4),
        "brier": round(held.brier, 4),
        "expected_calibration_error": round(held.error, 4),
    }


def _told(fitted: Fitted, failed: Sequence[LeftOut]) -> Iterator[str]:
    from obskit.evaluation.as_text import left_out

    kinds = f"{fitted.causes} causes, {fitted.families} families"
    looked = f", {fitted.samples} samples with pillars taken away" if fitted.samples > fitted.recordings else ""
    yield f"{fitted.recordings} recordings{looked}: {fitted.incidents} of incidents, {kinds}"
    temperature, unknown = fitted.calibration.temperature, fitted.calibration.unknown
    between, among = fitted.temperatures, fitted.unknowns
    yield f"  temperature {temperature:.2f} ({between[0]:.2f} to {between[1]:.2f} with one family left out)"
    yield f"  unknown     {unknown:+.2f} nats ({among[0]:+.2f} to {among[1]:+.2f})"
    yield ""
    yield "                     log loss  Brier  calibration error"
    for what, held in (("as the weights are", fitted.before), ("cross-validated", fitted.after)):
        yield f"{what:<20} {held.log_loss:8.3f}  {held.brier:5.3f}  {held.error:17.3f}"
    if failed:
        yield ""
        yield from left_out("Cannot be read", failed)


def _json(body: dict[str, Any]) -> str:
    return harmless(json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def _print(text: str, out: Path | None) -> None:
    if out is None:
        sys.stdout.write(text)
        return
    write_text(out, text)
    print(f"evaluation written to {out.resolve()}", file=sys.stderr)
