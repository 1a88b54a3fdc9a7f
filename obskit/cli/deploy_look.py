"""What ``obskit deploy status``, ``verify`` and ``keys`` do: they look, and change nothing."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Final

import typer

from obskit.cli.deploy_common import account_for, spec_and_account, stack_name
from obskit.cli.deploy_text import heading, table
from obskit.cli.output import clean_lines, known_form, print_json, progress
from obskit.escape import clean

_SIGNS: Final = {"well": "ok", "busy": "..", "bad": "!!", "not seen": "??"}


def status(file: Path | None, name: str, form: str) -> None:
    """Print how the stack is; exit 1 when something is bad."""
    from obskit.deploy.status import status as look

    known_form(form, "text", "json")
    name, region = stack_name(file, name)
    account = account_for(region)
    with progress(f"asking AWS how {name} is"):
        rows = look(account.aws, account.stack(name))
    counts = Counter(row.health for row in rows)
    if form == "json":
        body = [{"kind": r.kind, "name": r.name, "health": r.health, "words": r.words} for r in rows]
        print_json(
            {"stack": name, "region": account.place.region, "rows": body, "counts": dict(sorted(counts.items()))}
        )
    else:
        print(clean(heading(name, account.place)))
        lines = table([(_SIGNS[r.health], f"{r.kind}.{r.name}".rstrip("."), r.words) for r in rows])
        print(clean_lines(f"  {line}" for line in lines))
    if counts["bad"]:
        raise typer.Exit(1)


def verify(file: Path | None, form: str) -> None:
    """Print what a deployment would stumble over; exit 1 when there is something."""
    from obskit.deploy.verify import verify as look

    known_form(form, "text", "json")
    spec, account = spec_and_account(file)
    with progress(f"verifying {spec.name}") as tell:
        found = look(account.aws, spec, account.place, tell=tell)
    bad = [row for row in found if row.state == "bad"]
    if form == "json":
        body = [{"check": r.check, "about": r.about, "state": r.state, "words": r.words, "hint": r.hint} for r in found]
        print_json({"stack": spec.name, "rows": body})
    else:
        signs = {"good": "ok", "bad": "!!", "not seen": "??"}
        lines = table([(signs[r.state], r.check, r.about, r.words) for r in found])
        print(clean_lines(lines))
        for row in bad:
            if row.hint:
                print(clean(f"{row.check} {row.about}: {row.hint}"), file=sys.stderr)
    if bad:
        raise typer.Exit(1)


def keys(form: str) -> None:
    """Print every key of the stack's file."""
    from obskit.deploy.spec_keys import keys as all_keys

    known_form(form, "text", "json")
    found = all_keys()
    if form == "json":
        body = [
            {"section": k.section, "name": k.name, "type": k.type, "default": k.default, "meaning": k.meaning}
            for k in found
        ]
        print_json(body)
        return
    section = None
    for key in found:
        if key.section != section:
            section = key.section
            print(f"\n[{section}]" if section else "")
        print(f"  {key.name} = {key.default or '(must be given)'}  {key.meaning}")
