"""What a plan costs and how safe it is, in words and as documents for machines."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, Final

from obskit.cli.deploy_text import table
from obskit.cli.output import clean_lines
from obskit.deploy.cost import SOURCE, CostLine, total
from obskit.deploy.security import SecurityFinding

#: More addresses than these are counted, not named.
_NAMED: Final = 3


def of_costs(lines: Sequence[CostLine], *, verbose: bool) -> str:
    """Return what the wanted stack costs a month; with *verbose*, line by line."""
    least, most = total(lines)
    span = f"{least:,.0f}" if round(least) == round(most) else f"{least:,.0f} to {most:,.0f}"
    by_use = sorted({line.by_use for line in lines if line.by_use})
    unpriced = [line.address for line in lines if line.usd is None]
    text = ["", f"Costs some {span} USD a month ({SOURCE}), beside what goes by use."]
    text += [f"  no price known: {', '.join(unpriced)}"] if unpriced else []
    if verbose:
        rows = [(_span(line), line.address, line.what, line.assumption) for line in lines if line.usd]
        text += [f"  {row}" for row in table(rows)]
        text += [f"  by use: {', '.join(by_use)}"]
    return clean_lines(text)


def _span(line: CostLine) -> str:
    least, most = line.usd or 0.0, line.usd_most or line.usd or 0.0
    return f"{least:.2f}" if least == most else f"{least:.2f} to {most:.2f}"


def costs_document(lines: Sequence[CostLine]) -> dict[str, Any]:
    """Return the costs for machines."""
    least, most = total(lines)
    return {
        "usd_a_month": [round(least, 2), round(most, 2)],
        "source": SOURCE,
        "lines": [
            {
                "address": line.address,
                "what": line.what,
                "usd": line.usd,
                "usd_most": line.usd_most,
                "by_use": line.by_use,
                "assumption": line.assumption,
            }
            for line in lines
        ],
    }


def of_findings(found: Sequence[SecurityFinding], *, verbose: bool) -> str:
    """Return security findings, what several tools ask once with all ids; *verbose*: those met or waived, too."""
    counts = Counter(finding.state for finding in found)
    words = f"{counts['pass']} met, {counts['fail']} not met, {counts['waived']} waived"
    text = ["", f"Security (ids of Security Hub and Checkov): {words}"]
    for state in ("fail", "unused waiver", *(("waived", "pass") if verbose else ())):
        by_id: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
        ids: dict[tuple[str, str, str, tuple[str, ...]], list[str]] = defaultdict(list)
        for finding in found:
            if finding.state == state:
                place = f"{finding.address}{f' {finding.part}' if finding.part else ''}"
                by_id[finding.id, finding.title, finding.why, finding.todo].append(place)
        sign = {"fail": "!", "unused waiver": "?", "waived": "=", "pass": "+"}[state]
        for (number, title, why, todo), places in by_id.items():
            ids[title, why, todo, tuple(places)].append(number)
        for (title, why, todo, at), numbers in ids.items():
            number = ", ".join(numbers)
            named = _named(at)
            text.append(f"  {sign} {number} {title}: {named}" if named.strip() else f"  {sign} {number} {title}")
            text += [f"      {why}"] if why else []
            text += [f"      try: {todo}"] if todo and state == "fail" else []
    return clean_lines(text)


def _named(places: Sequence[str]) -> str:
    more = len(places) - _NAMED
    return ", ".join(places[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def of_judgement(found: Sequence[SecurityFinding], lines: Sequence[CostLine]) -> str:
    """Return what is to be known before the question: the cost, and how many findings are not met."""
    failing = sum(finding.state == "fail" for finding in found)
    text = f"Security: {failing} findings not met" + (" (obskit deploy plan lists them)" if failing else "")
    return f"{of_costs(lines, verbose=False)}\n{text}\n"


def findings_document(found: Sequence[SecurityFinding]) -> list[dict[str, str]]:
    """Return security findings for machines; what does not apply is left out."""
    return [
        {
            "id": finding.id,
            "title": finding.title,
            "address": finding.address,
            "part": finding.part,
            "state": finding.state,
            "why": finding.why,
            "todo": finding.todo,
        }
        for finding in found
        if finding.state != "not applicable"
    ]
