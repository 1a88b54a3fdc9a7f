"""What ``obskit deploy init``, ``plan``, ``apply`` and ``destroy`` do."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO, TypeAlias

import typer

from obskit.cli import deploy_text as words
from obskit.cli.deploy_common import FILE_NAME, Account, account_for, read_spec, spec_and_account, stack_name
from obskit.cli.output import known_form, print_json, progress
from obskit.deploy.apply import Applied, Told
from obskit.deploy.plan import Plan
from obskit.errors import SourceError, UsageError

if TYPE_CHECKING:
    from obskit.deploy.preflight import Problem
    from obskit.deploy.resource import Kind, Observed, Place, Resource, Stack
    from obskit.deploy.spec import StackSpec

#: A wait is told again after so many seconds, even when its reason is the same.
_TOLD_AGAIN_SECONDS: Final = 30.0


def init(file: Path | None, *, name: str, region: str, domain: str) -> None:
    """Write the shortest stack file.

    Raises:
        UsageError: There is one already, or it cannot be written.
    """
    path = file or Path(FILE_NAME)
    rows = {"name": name, "region": region, "domain": domain, "owner": "platform", "image": "1.0.0"}
    said = {
        "domain": "in a public hosted zone of Route 53",
        "owner": "who answers for it; a tag",
        "image": "a tag in the stack's own repository; makes the application demo-app",
    }
    lines = [f"{k:<6} = {json.dumps(v)}{f'  # {said[k]}' if k in said else ''}" for k, v in rows.items()]
    try:
        with path.open("x", encoding="utf-8") as out:
            out.write("\n".join([*lines, "# everything else that can stand here: obskit deploy keys", ""]))
    except FileExistsError as error:
        raise UsageError(f"{path} is there already; nothing was written", hint="obskit deploy plan reads it") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    print(f"{path} is written; read it, then: obskit deploy plan{f' --stack {path}' if file else ''}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAsk:
    """What a plan is made of, and what of it is an exit code of 1.

    Attributes:
        delete_data: Also delete what holds data and is wanted no more.
        empty_account: AWS is not asked: nothing of the stack is taken to be there.
        exit_code: Something differs.
        strict: A security finding is neither met nor waived.
        verbose: All fields and findings.
    """

    delete_data: bool = False
    empty_account: bool = False
    exit_code: bool = False
    strict: bool = False
    verbose: bool = False


def plan(file: Path | None, form: str, ask: PlanAsk) -> None:
    """Print the plan; exit 1 for a difference or a finding where that was asked for.

    Raises:
        UsageError: An empty account is asked what it cannot tell.
    """
    known_form(form, "text", "json")
    spec, place, wanted, found, problems = _planned_anew(file, ask) if ask.empty_account else _compared(file, ask)
    findings, costs = _judged(spec, wanted)
    failing = [finding for finding in findings if finding.state == "fail"]
    if form == "json":
        told = None if problems is None else words.problems_document(problems)
        print_json({**_document(spec, place, found, findings, costs), "problems": told, "empty_account": told is None})
    else:
        from obskit.cli import deploy_judged as judged

        heading = words.heading(spec.name, place, empty=ask.empty_account)
        print(words.of_plan(found, heading, verbose=ask.verbose))
        _note(spec, found, wanted)
        print(judged.of_costs(costs, verbose=ask.verbose))
        print(judged.of_findings(findings, verbose=ask.verbose))
        if problems:
            print(words.of_problems(problems))
        if ask.empty_account:
            print(words.of_assumptions(place))
    if (ask.exit_code and found.steps) or (ask.strict and failing):
        raise typer.Exit(1)


#: The stack, where it shall stand, what is wanted, the steps, and what would stop them: None where nobody was asked.
_Planned: TypeAlias = "tuple[StackSpec, Place, tuple[Resource, ...], Plan, tuple[Problem, ...] | None]"


def _planned_anew(file: Path | None, ask: PlanAsk) -> _Planned:
    from obskit.deploy.planning import place_unasked, planned_anew, require_answerable

    require_answerable({"--exit-code": ask.exit_code, "--delete-data": ask.delete_data}, "--empty-account")
    place = place_unasked(read_spec(file))
    spec = read_spec(file, place, warn=True)
    wanted, found = planned_anew(spec, place)
    return spec, place, wanted, found, None


def _compared(file: Path | None, ask: PlanAsk) -> _Planned:
    from obskit.deploy.errors import DeployError

    try:
        spec, account = spec_and_account(file)
    except (DeployError, UsageError) as error:
        from botocore.exceptions import BotoCoreError

        # a file or a region that is wrong is so without an account too
        if isinstance(error, UsageError) and not isinstance(error.__cause__, BotoCoreError):
            raise
        hint = "; ".join(filter(None, (error.hint, "without an account: obskit deploy plan --empty-account")))
        kind = SourceError if isinstance(error, DeployError) else UsageError
        raise kind(error.what, where=error.where, hint=hint) from error
    wanted, found = _planned(spec, account, delete_data=ask.delete_data)
    return spec, account.place, wanted, found, _problems(spec, account, found)


def apply(file: Path | None, form: str, *, yes: bool, delete_data: bool, lose_data: frozenset[str]) -> None:
    """Plan, find out what would stop it half-way, ask, and do it.

    Raises:
        UsageError: Something would, or nobody says yes; nothing was done.
    """
    from obskit.cli import deploy_judged as judged

    known_form(form, "text", "json")
    spec, account = spec_and_account(file)
    wanted, found = _planned(spec, account, delete_data=delete_data)
    out = sys.stderr if form == "json" else sys.stdout
    print(words.of_plan(found, words.heading(spec.name, account.place)), file=out)
    _note(spec, found, wanted)
    if found.steps:
        print(judged.of_judgement(*_judged(spec, wanted)), file=out)
        _refuse(_problems(spec, account, found), found)
    if found.steps and not yes:
        _ask("Do this?")
    applied, seconds = _do(found, account, account.stack(spec.name), lose_data=lose_data)
    _report(applied, found, form, account, seconds, extra={})
    if applied.failed:
        raise typer.Exit(SourceError.exit_code)
    if form == "text":
        print(words.of_standing(spec, account.place))


def destroy(
    file: Path | None, name: str, form: str, *, confirm: str, delete_data: bool, unprotect: bool = False
) -> None:
    """Delete a stack and prove that nothing is left but what is kept.

    Raises:
        UsageError: Something of it is protected, or another stack is meant; nothing was deleted.
    """
    from obskit.deploy import preflight
    from obskit.deploy.errors import AwsError
    from obskit.deploy.observe import observe
    from obskit.deploy.plan import plan_destroy
    from obskit.deploy.resources import kinds

    known_form(form, "text", "json")
    name, region = stack_name(file, name)
    account = account_for(region)
    stack = account.stack(name)
    found = plan_destroy(_observed(account, stack, kinds()), kinds(), delete_data=delete_data)
    out = sys.stderr if form == "json" else sys.stdout
    heading = words.heading(name, account.place)
    if not found.steps and not found.kept:
        print(f"there is no {heading}: nothing to delete", file=out)
        if form == "json":
            _report(Applied(), found, form, account, 0.0, extra=_proof((), set(), len(kinds())))
        return
    print(words.of_plan(found, heading), file=out)
    guarded = preflight.protected(found)
    if guarded and not unprotect:
        again = "obskit deploy destroy" + " --delete-data" * delete_data + " --unprotect"
        raise UsageError(f"{_addresses(guarded)} is protected; nothing was deleted", hint=f"{again} switches that off")
    if found.steps:
        _confirm(name, confirm, found, out)
    for one in guarded:
        preflight.unprotect(account.aws, one)
    applied, seconds = _do(found, account, stack, lose_data=frozenset())
    left = observe(account.aws, stack, kinds())
    kept = {kept.observed.address for kept in found.kept}
    unexpected = [one for one in left if one.address not in kept]
    extra = _proof(left, kept, len(kinds()))
    if any(work.step.kind == "database" for work in applied.done):
        with contextlib.suppress(AwsError):  # all is deleted: that must be told, whatever RDS may be asked
            extra["snapshots"] = list(preflight.snapshots(account.aws, stack))
    _report(applied, found, form, account, seconds, extra=extra)
    if applied.failed or unexpected:
        raise typer.Exit(SourceError.exit_code)


def _proof(left: tuple[Observed, ...], kept: set[str], asked: int) -> dict[str, Any]:
    return {
        "asked": asked,
        "left": sorted(one.address for one in left if one.address not in kept),
        "kept": sorted(one.address for one in left if one.address in kept),
    }


def _addresses(ones: Iterable[Observed]) -> str:
    return ", ".join(one.address for one in ones)


def _problems(spec: StackSpec, account: Account, found: Plan) -> tuple[Problem, ...]:
    from obskit.deploy.preflight import problems

    return problems(account.aws, spec, account.place, found)


def _refuse(problems: tuple[Problem, ...], found: Plan) -> None:
    """Let nothing begin that cannot be finished.

    Raises:
        UsageError: It cannot.
    """
    from obskit.deploy.preflight import protected

    if guarded := protected(found):
        hint = "switch protected off in the file, apply that alone, then this"
        raise UsageError(f"{_addresses(guarded)} is protected; nothing was done", hint=hint)
    if problems:
        where = {str(number): f"{one.about}: {one.words}" for number, one in enumerate(problems, 1)}
        hint = "; ".join(dict.fromkeys(one.hint for one in problems))
        raise UsageError("apply would stop half-way; nothing was done", where=where, hint=hint)


def _planned(spec: StackSpec, account: Account, *, delete_data: bool) -> tuple[tuple[Resource, ...], Plan]:
    """Return what is wanted, and the steps towards it."""
    from obskit.deploy.planning import planned

    with progress(f"asking AWS what {spec.name} has") as tell:
        return planned(spec, account, delete_data=delete_data, tell=tell)


def _observed(account: Account, stack: Stack, kinds: Mapping[str, Kind]) -> tuple[Observed, ...]:
    from obskit.deploy.observe import observe

    with progress(f"asking AWS what {stack.name} has") as tell:
        return observe(account.aws, stack, kinds, tell=tell)


def _judged(spec: StackSpec, wanted: tuple[Resource, ...]) -> tuple[Any, Any]:
    """Return security findings and costs of what is wanted."""
    from obskit.deploy.cost import monthly
    from obskit.deploy.security import findings

    return findings(wanted, spec.waivers), monthly(wanted)


def _note(spec: StackSpec, found: Plan, wanted: tuple[Resource, ...]) -> None:
    """Say what a plan brings about that its steps do not show."""
    changed = {step.address for step in found.steps if step.action != "create"}
    if {"task_definition.prometheus", "service.prometheus"} & changed and not spec.telemetry.workspace:
        print(
            "note: the new task of prometheus begins with an empty store, since its disk goes with the old one; "
            "telemetry.workspace = true keeps history",
            file=sys.stderr,
        )
    for line in (*words.of_versions(found), *words.of_images(spec, found, wanted)):
        print(f"note: {line}", file=sys.stderr)


def _document(spec: StackSpec, place: Place, found: Plan, findings: Any, costs: Any) -> dict[str, Any]:
    from obskit.cli import deploy_judged as judged

    return {
        "schema_version": 1,
        "stack": spec.name,
        "account": place.account,
        "region": place.region,
        **words.plan_document(found),
        "cost": judged.costs_document(costs),
        "security": judged.findings_document(findings),
    }


def _do(found: Plan, account: Account, stack: Stack, *, lose_data: frozenset[str]) -> tuple[Applied, float]:
    from obskit.deploy.apply import apply as carry_out
    from obskit.deploy.graph import works
    from obskit.deploy.resources import kinds

    began, tell, done = time.monotonic(), teller(), list[int]()

    def telling(told: Told) -> None:
        if told.state == "done":
            done.append(told.work.number)
        tell(told)

    try:
        applied = carry_out(found, account.aws, stack, kinds(), tell=telling, lose_data=lose_data)
    except KeyboardInterrupt:
        total = len(works(found, kinds()))
        print(f"{len(done)} of {total} done; run the same command again to go on", file=sys.stderr)
        raise
    return applied, time.monotonic() - began


def _report(
    applied: Applied, found: Plan, form: str, account: Account, seconds: float, *, extra: Mapping[str, Any]
) -> None:
    calls = account.aws.calls
    if form == "json":
        print_json({**words.applied_document(applied, found, seconds=seconds, calls=calls), **extra})
        return
    print(words.of_applied(applied, found, seconds=seconds, calls=sum(calls.values())))
    if extra:
        print(_proof_text(extra))
    for name in extra.get("snapshots", ()):
        print(words.of_snapshot(name, account.place))


def _proof_text(proof: Mapping[str, Any]) -> str:
    head = f"Asked anew about all {proof['asked']} kinds of resources: "
    left = f"still there: {', '.join(proof['left'])}" if proof["left"] else "nothing is left"
    return head + left + (f", but what is kept: {', '.join(proof['kept'])}" if proof["kept"] else "")


def teller() -> Callable[[Told], None]:
    """Return what prints progress to stderr, a line each; a wait only when its reason changes, or at times."""
    lock, said = threading.Lock(), dict[int, tuple[str, float]]()

    def tell(told: Told) -> None:
        with lock:
            if told.state == "waits":
                words_before, at = said.get(told.work.number, ("", 0.0))
                if told.words == words_before and told.seconds - at < _TOLD_AGAIN_SECONDS:
                    return
                said[told.work.number] = (told.words, told.seconds)
            if line := words.of_told(told):
                print(line, file=sys.stderr, flush=True)

    return tell


def _ask(question: str) -> None:
    """Ask a person.

    Raises:
        UsageError: There is none, or the answer is no.
    """
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to be asked; nothing was done", hint="say it beforehand: --yes")
    answer = ""
    with contextlib.suppress(EOFError):
        answer = input(f"{question} [y/N] ")
    if answer.strip().lower() not in ("y", "yes"):
        raise UsageError("nothing was done")


def _confirm(name: str, confirm: str, found: Plan, out: TextIO) -> None:
    """Make sure that this stack is meant.

    Raises:
        UsageError: Another name was given, or nobody is there to give it.
    """
    question = f"{len(found.steps)} resources of stack {name} will be deleted, {len(found.kept)} kept"
    question += words.of_kept_cost(found)
    if confirm:
        print(question, file=out)
    else:
        if not sys.stdin.isatty():
            raise UsageError(
                "nobody is there to be asked; nothing was done", hint=f"say it beforehand: --confirm {name}"
            )
        with contextlib.suppress(EOFError):
            confirm = input(f"{question}. Type {name}: ").strip()
    if confirm != name:
        raise UsageError(f"that is not the stack's name, {name}; nothing was done")
