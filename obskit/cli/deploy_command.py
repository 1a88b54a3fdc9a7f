"""What ``obskit deploy plan``, ``apply`` and ``destroy`` do."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from obskit.cli import deploy_text as words
from obskit.cli.deploy_common import Account, account_for, spec_and_account, stack_name
from obskit.cli.output import known_form, print_json, progress
from obskit.deploy.apply import Applied, Told
from obskit.deploy.plan import Plan
from obskit.errors import SourceError, UsageError

if TYPE_CHECKING:
    from obskit.deploy.resource import Kind, Observed, Stack
    from obskit.deploy.spec import StackSpec

#: A wait is told again after so many seconds, even when its reason is the same.
_TOLD_AGAIN_SECONDS: Final = 30.0


def plan(file: Path | None, form: str, *, delete_data: bool, exit_code: bool, strict: bool, verbose: bool) -> None:
    """Print the plan; exit 1 for a difference or a finding where that was asked for."""
    known_form(form, "text", "json")
    spec, account = spec_and_account(file)
    found = _planned(spec, account, delete_data=delete_data)
    findings, costs = _judged(spec, account)
    failing = [finding for finding in findings if finding.state == "fail"]
    if form == "json":
        print_json(_document(spec, account, found, findings, costs))
    else:
        from obskit.cli import deploy_judged as judged

        print(words.of_plan(found, words.heading(spec.name, account.place), verbose=verbose))
        _note(spec, found)
        print(judged.of_costs(costs, verbose=verbose))
        print(judged.of_findings(findings, verbose=verbose))
    if (exit_code and found.steps) or (strict and failing):
        raise typer.Exit(1)


def apply(file: Path | None, form: str, *, yes: bool, delete_data: bool, lose_data: frozenset[str]) -> None:
    """Plan, ask, and do it."""
    known_form(form, "text", "json")
    spec, account = spec_and_account(file)
    found = _planned(spec, account, delete_data=delete_data)
    text = words.of_plan(found, words.heading(spec.name, account.place))
    print(text, file=sys.stderr if form == "json" else sys.stdout)
    _note(spec, found)
    if found.steps and not yes:
        _ask("Do this?")
    _run(found, account, account.stack(spec.name), form, lose_data=lose_data)


def destroy(file: Path | None, name: str, form: str, *, confirm: str, delete_data: bool) -> None:
    """Delete a stack and prove that nothing is left but what is kept."""
    from obskit.deploy.observe import observe
    from obskit.deploy.plan import plan_destroy
    from obskit.deploy.resources import kinds

    known_form(form, "text", "json")
    name, region = stack_name(file, name)
    account = account_for(region)
    stack = account.stack(name)
    found = plan_destroy(_observed(account, stack, kinds()), kinds(), delete_data=delete_data)
    out = sys.stderr if form == "json" else sys.stdout
    print(words.of_plan(found, words.heading(name, account.place)), file=out)
    if found.steps:
        _confirm(name, confirm)
    applied, seconds = _do(found, account, stack, lose_data=frozenset())
    left = observe(account.aws, stack, kinds())
    kept = {kept.observed.address for kept in found.kept}
    unexpected = [one for one in left if one.address not in kept]
    _report(applied, found, form, account, seconds, extra=_proof(left, kept, len(kinds())))
    if applied.failed or unexpected:
        raise typer.Exit(SourceError.exit_code)


def _proof(left: tuple[Observed, ...], kept: set[str], asked: int) -> dict[str, Any]:
    return {
        "asked": asked,
        "left": sorted(one.address for one in left if one.address not in kept),
        "kept": sorted(one.address for one in left if one.address in kept),
    }


def _planned(spec: StackSpec, account: Account, *, delete_data: bool) -> Plan:
    from obskit.deploy.desired import desired
    from obskit.deploy.plan import plan as compare
    from obskit.deploy.resources import kinds

    wanted = desired(spec, account.place, kinds())
    there = _observed(account, account.stack(spec.name), kinds())
    return compare(wanted, there, kinds(), delete_data=delete_data)


def _observed(account: Account, stack: Stack, kinds: Mapping[str, Kind]) -> tuple[Observed, ...]:
    from obskit.deploy.observe import observe

    with progress(f"asking AWS what {stack.name} has") as tell:
        return observe(account.aws, stack, kinds, tell=tell)


def _judged(spec: StackSpec, account: Account) -> tuple[Any, Any]:
    """Return security findings and costs of what is wanted."""
    from obskit.deploy.cost import monthly
    from obskit.deploy.desired import desired
    from obskit.deploy.resources import kinds
    from obskit.deploy.security import findings

    wanted = desired(spec, account.place, kinds())
    return findings(wanted, spec.waivers), monthly(wanted)


def _note(spec: StackSpec, found: Plan) -> None:
    """Say what a plan brings about that its steps do not show."""
    changed = {step.address for step in found.steps if step.action != "create"}
    if {"task_definition.prometheus", "service.prometheus"} & changed and not spec.telemetry.workspace:
        print(
            "note: the new task of prometheus begins with an empty store, since its disk goes with the old one; "
            "telemetry.workspace = true keeps history",
            file=sys.stderr,
        )


def _document(spec: StackSpec, account: Account, found: Plan, findings: Any, costs: Any) -> dict[str, Any]:
    from obskit.cli import deploy_judged as judged

    return {
        "schema_version": 1,
        "stack": spec.name,
        "account": account.place.account,
        "region": account.place.region,
        **words.plan_document(found),
        "cost": judged.costs_document(costs),
        "security": judged.findings_document(findings),
    }


def _run(found: Plan, account: Account, stack: Stack, form: str, *, lose_data: frozenset[str]) -> None:
    applied, seconds = _do(found, account, stack, lose_data=lose_data)
    _report(applied, found, form, account, seconds, extra={})
    if applied.failed:
        raise typer.Exit(SourceError.exit_code)


def _do(found: Plan, account: Account, stack: Stack, *, lose_data: frozenset[str]) -> tuple[Applied, float]:
    from obskit.deploy.apply import apply as carry_out
    from obskit.deploy.resources import kinds

    began = time.monotonic()
    applied = carry_out(found, account.aws, stack, kinds(), tell=teller(), lose_data=lose_data)
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


def _confirm(name: str, confirm: str) -> None:
    """Make sure that this stack is meant.

    Raises:
        UsageError: Another name was given, or nobody is there to give it.
    """
    if not confirm:
        if not sys.stdin.isatty():
            raise UsageError(
                "nobody is there to be asked; nothing was done", hint=f"say it beforehand: --confirm {name}"
            )
        with contextlib.suppress(EOFError):
            confirm = input(f"All of this will be deleted. Type the stack's name ({name}) to go on: ").strip()
    if confirm != name:
        raise UsageError(f"that is not the stack's name, {name}; nothing was done")
