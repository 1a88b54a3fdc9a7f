"""What ``obskit deploy status``, ``verify`` and ``keys`` do: they look, and change nothing."""

from __future__ import annotations

import textwrap
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from obskit.cli.deploy_common import account_for, read_spec, spec_and_account, stack_name
from obskit.cli.deploy_text import heading, table
from obskit.cli.output import clean_lines, known_form, print_json, progress
from obskit.escape import clean

if TYPE_CHECKING:
    from obskit.deploy.spec_keys import Key
    from obskit.deploy.verify import Verified

#: From so many images on, registries that do not answer are told in one line.
_MANY: Final = 2
#: Columns of the list of keys, and where meanings begin in it.
_WIDTH: Final = 100
_MEANING: Final = 36
_STATES: Final = {"good": "ok", "bad": "!!", "not seen": "??"}
_SIGNS: Final = {"well": "ok", "busy": "..", "bad": "!!", "not seen": "??"}


def status(file: Path | None, name: str, form: str) -> None:
    """Print how the stack is; exit 1 when something is bad."""
    from obskit.deploy.services import services
    from obskit.deploy.status import status as look

    known_form(form, "text", "json")
    given = name
    name, region = stack_name(file, name)
    account = account_for(region)
    wanted = () if given else [one.name for one in services(read_spec(file, warn=False), account.place)]
    with progress(f"asking AWS how {name} is"):
        rows = look(account.aws, account.stack(name), wanted)
    counts = Counter(row.health for row in rows)
    if form == "json":
        body = [{"kind": r.kind, "name": r.name, "health": r.health, "words": r.words} for r in rows]
        document = {"schema_version": 1, "stack": name, "region": account.place.region}
        print_json({**document, "rows": body, "counts": dict(sorted(counts.items()))})
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
        print_json({"schema_version": 1, "stack": spec.name, "rows": body})
    else:
        print(clean_lines(_verified(found)))
    if bad:
        raise typer.Exit(1)


def _verified(found: Sequence[Verified]) -> list[str]:
    """Return a line a row, and below one that is bad what to do; registries that cannot be reached in one line."""
    from obskit.deploy.image_names import ecr_registry, parsed
    from obskit.deploy.registry import SILENT

    images = [row for row in found if row.check == "image"]
    silent = [row for row in images if row.state == "not seen" and row.words.startswith(SILENT)]
    shown = [row for row in found if len(silent) < _MANY or row not in silent]
    lines = table([(_STATES[row.state], row.check, row.about, row.words) for row in shown])
    with_hints = [
        line
        for row, text in zip(shown, lines, strict=True)
        for line in (text, *([f"      try: {row.hint}"] if row.hint else ()))
    ]
    if len(silent) < _MANY:
        return with_hints
    outside = [row for row in images if ecr_registry(parsed(row.about).host) is None]
    who = "no registry outside AWS answers" if len(outside) == len(silent) else "some registries do not answer"
    return [*with_hints, f"??  image  {who} from here: {len(silent)} images not seen"]


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
        print_json({"schema_version": 1, "keys": body})
        return
    sections: dict[str, list[str]] = defaultdict(list)
    for key in found:
        sections[f"[{key.section}]" if key.section else "At the top of the file"] += _key(key)
    print("\n\n".join("\n".join([head, *lines]) for head, lines in sections.items()))


def _key(key: Key) -> list[str]:
    """Return a key and its default on the left, what it means on the right, or below it where there is no room."""
    head = f"  {key.name} = {key.default or '(must be given)'}"
    told = textwrap.wrap(key.meaning, _WIDTH - _MEANING, break_long_words=False, break_on_hyphens=False)
    lines = [f"{'':{_MEANING}}{line}" for line in told]
    return [head, *lines] if len(head) > _MEANING - 2 else [head + lines[0][len(head) :], *lines[1:]]
