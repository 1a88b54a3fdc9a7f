r"""Takes credentials and personal data out of text, and leaves what a diagnosis needs.

One table of rules serves single texts (Python's ``re``) and whole columns (Arrow's RE2), so
every pattern keeps to what both understand alike: no look-around, no lone ``\s`` (RE2 leaves
out the vertical tab), no ignoring of case (RE2 folds all of Unicode). What is taken out says
its kind: ``[password]``, ``[email]``, ``[aws-key]``.

Host names, ports, task and trace ids, and error texts stay: a recording must lead to the same
diagnosis as the live lines did. So a plain word after ``token:`` within a sentence stays too,
as in ``cannot verify token: expired``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from obskit.model import Logs, Telemetry

if TYPE_CHECKING:
    import pyarrow as pa

#: Longer texts go through RE2, whose time is linear whatever a hostile line holds.
_LONGEST_FOR_RE = 2_000
#: What one rule takes out may uncover what another looks for; more often than twice is contrived.
_MOST_PASSES = 4


@dataclass(frozen=True, slots=True)
class _Group:
    """Rules that can only match a text in which *hint* does: most lines are done with it.

    Attributes:
        hint: A pattern that is cheap to look for.
        rules: Pattern and replacement, in the order in which they are applied.
    """

    hint: str
    rules: tuple[tuple[str, str], ...]


def _any_case(word: str) -> str:
    """Return a pattern for the word in any case; ``-`` stands for ``-``, ``_`` or nothing."""
    return "".join(f"[{c.upper()}{c}]" if c.isalpha() else "[_-]?" for c in word)


def _one_of(*words: str) -> str:
    return "(?:" + "|".join(_any_case(word) for word in words) + ")"


def _unlike_a_word(char: str, telling: str) -> str:
    """Return a pattern for six characters or more, one of them *telling*."""
    early = [f"{char}{{{n}}}{telling}{char}{{{5 - n},}}" for n in range(5)]
    return "(?:" + "|".join([*early, f"{char}{{5,}}{telling}{char}*"]) + ")"


_SPACE = r"\t\n\f\r "
_BASE64 = "[A-Za-z0-9+/=_.~%-]"
# A value without quotes: up to a delimiter, without the brackets that close what is around it.
_INSIDE = rf"[^{_SPACE}&,;\"']"
_LAST = rf"[^{_SPACE}&,;\"'\)\}}\]]"
_FIRST = rf"[^{_SPACE}&,;\"'\)\}}\]\[\(\{{=\\]"
_TAIL = rf"(?:{_INSIDE}*{_LAST})?"
_BARE = rf"(?:\[[^{_SPACE}&,;\"'\[\]]*\]{_TAIL}|{_FIRST}{_TAIL})"
# A value within a sentence: what no word looks like.
_ODD = _unlike_a_word(rf"[^{_SPACE}&,;:\"'\[\]\(\)\{{\}}\\]", "[0-9!@#$%^*+=~]") + _TAIL

_EQUALS = r"[ \t]*(?:=>|:=|=)[ \t]*"
_EITHER = r"[ \t]*(?:=>|:=|=|:)[ \t]*"
_QUOTE = r"\\*[\"']?"

#: Kind -> names whose value is secret. Anything may stand before a name: DB_PASSWORD, x-api-key.
_NAMES = {
    "password": rf"(?:{_one_of('password', 'passwd', 'passphrase', 'pwd', 'dbpass')}|[_-][Pp][Aa][Ss][Ss])",
    "aws-key": _one_of("access-key", "access-key-id", "aws-secret-key"),
    "token": _one_of("token", "api-key", "account-key", "jsessionid", "phpsessid"),
    "secret": _one_of(
        "secret", "secret-key", "private-key", "signing-key", "encryption-key", "credential", "credentials"
    ),
    "signature": rf"(?:{_one_of('signature')}|\b[Ss]ig)",
}


def _named(kind: str, name: str) -> tuple[tuple[str, str], ...]:
    """Return the rules for a name and its value, however both are written."""
    # An ARN holds ":secret:NAME", so there a value needs its space.
    colon = r"[ \t]*:[ \t]+" if kind == "secret" else r"[ \t]*:[ \t]*"
    put = rf"\1[{kind}]"
    return (
        (rf"({name}{_QUOTE}{_EITHER}\\+\")[^\"]*?(\\+\")", put + r"\2"),  # JSON inside JSON
        (rf"({name}{_QUOTE}{_EITHER}\")(?:[^\"\\]|\\[\s\S])+", put),
        (rf"({name}{_QUOTE}{_EITHER}')(?:[^'\\]|\\[\s\S])+", put),
        (rf"({name}{_QUOTE}{_EQUALS}){_BARE}", put),
        # A field of its own (YAML, a printed mapping): whatever the value looks like.
        (rf"((?:^|[\n,;{{(\[|])[ \t]*{_QUOTE}[A-Za-z0-9_.-]*{name}{_QUOTE}{colon}){_BARE}", put),
        (rf"({name}{_QUOTE}{colon}){_ODD}", put),
        (rf"(--[A-Za-z0-9-]*{name}[ \t]+){_BARE}", put),
    )


#: What stands in the place of a credential; accounts and addresses are redacted too, but are none.
CREDENTIAL = re.compile(rf"\[({'|'.join((*_NAMES, 'jwt', 'cookie', 'private-key'))})\]")

_BEGIN_KEY = r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
_SHAPES = (
    r"(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abeoprs]-[A-Za-z0-9-]{8,}"
    r"|xapp-[A-Za-z0-9-]{8,}|[prs]k_(?:live|test)_[A-Za-z0-9]{8,}|whsec_[A-Za-z0-9+/=]{16,}|\bsk-[A-Za-z0-9_-]{20,}"
    r"|AIza[A-Za-z0-9_-]{30,}|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{40,}|\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
    r"|\bhv[brs]\.[A-Za-z0-9_-]{20,}|glsa_[A-Za-z0-9_]{20,}|glc_[A-Za-z0-9+/=]{20,}|dckr_pat_[A-Za-z0-9_-]{16,})"
)
_SCHEME = _one_of("bearer", "basic", "token", "digest", "apikey", "negotiate")
_HEADER = _any_case("authorization") + rf"{_QUOTE}[ \t]*[:=][ \t]*{_QUOTE}"
_COOKIE = _any_case("cookie") + rf"{_QUOTE}[ \t]*[:=][ \t]*{_QUOTE}"
_CRUMB = rf"[^{_SPACE};=,\"'\\]+=[^{_SPACE};,\"'\\]*(?:;[ \t]*[^{_SPACE};=,\"'\\]+(?:=[^{_SPACE};,\"'\\]*)?)*"
_LOCAL = r"A-Za-z0-9._%+-"
#: Last labels of a host on the internet; ``rabbit@node-1.ec2.internal`` is a host and stays.
_TOP = (
    "(?:[A-Za-z]{2,4}|agency|cloud|company|consulting|digital|email|example|global|group|invalid|international|"
    "museum|network|online|services|software|solutions|space|store|systems|technology|today|travel|website|world)"
)

#: In the order in which they are applied: what its own shape gives away, then headers, then what
#: its name gives away, then addresses.
_GROUPS = (
    _Group("-----BEGIN ", (
        (rf"{_BEGIN_KEY}[\s\S]*?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----", "[private-key]"),
        (rf"{_BEGIN_KEY}[A-Za-z0-9+/=\t\n\f\r \\:,-]*", "[private-key]"),  # cut off, or a line of its own
    )),
    _Group("eyJ", ((r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)*", "[jwt]"),)),
    _Group("AKIA|ASIA|FwoGZXIvYXdz|IQoJb3JpZ2lu", (
        (r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", "[aws-key]"),
        (r"\b(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9+/=]{20,}", "[aws-key]"),
    )),
    _Group(_SHAPES, ((_SHAPES, "[token]"),)),
    _Group("hooks.slack.com/", ((r"(hooks\.slack\.com/(?:services|workflows)/)[A-Za-z0-9/_-]+", r"\1[token]"),)),
    _Group("@", (
        # An address: up to the last @ before the path; with a slash inside only where it is no port.
        (
            rf"(://[^{_SPACE}/:@\"'<>?#]*:)(?:[^{_SPACE}/\"'<>]+|[0-9]*[^0-9{_SPACE}/@,\"'<>?][^{_SPACE}@\"'<>?]*)@",
            r"\1[password]@",
        ),
        (r"(://)[A-Za-z0-9_-]{20,}@", r"\1[token]@"),
        # The same without a scheme, as drivers of Go and Python write it.
        (rf"(\b[A-Za-z0-9_.-]+:)[^{_SPACE}@/:\"'<>,]+(@(?:(?:tcp|unix)\(|[A-Za-z0-9.-]+:[0-9]))", r"\1[password]\2"),
    )),
    _Group(_one_of("authorization", "bearer", "basic", "cookie"), (
        (rf"({_HEADER}{_SCHEME}[ \t]+){_BASE64}+", r"\1[token]"),
        (rf"({_HEADER}){_ODD}", r"\1[token]"),
        (rf"(\b{_one_of('bearer', 'basic')}[ \t]+){_unlike_a_word(_BASE64, '(?:[0-9=]|[a-z][A-Z])')}", r"\1[token]"),
        (rf"({_COOKIE}){_CRUMB}", r"\1[cookie]"),
    )),
    _Group("|".join(_NAMES.values()), tuple(rule for kind, name in _NAMES.items() for rule in _named(kind, name))),
    _Group("'", (
        (
            rf"((?:{_any_case('password')}|{_any_case('identified')}[ \t]+{_any_case('by')})[ \t]+')[^']+",
            r"\1[password]",
        ),
    )),
    _Group("@", ((rf"(^/?|[^/{_LOCAL}]|[^/]/)[{_LOCAL}]+@(?:[A-Za-z0-9-]+\.)+{_TOP}\b", r"\1[email]"),)),
    _Group("arn:aws", ((r"(arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:)[0-9]{12}\b", r"\1[account]"),)),
    _Group("dkr.ecr", ((r"\b[0-9]{12}(\.dkr\.ecr\.)", r"[account]\1"),)),
)  # fmt: skip

_COMPILED = tuple(
    (re.compile(g.hint, re.ASCII), tuple((re.compile(pattern, re.ASCII), put) for pattern, put in g.rules))
    for g in _GROUPS
)


def redact(text: str) -> str:
    """Return the text with secrets and personal data replaced by their kind in brackets.

    Doing it twice changes nothing more. Half characters (lone surrogates) of a very long text
    come back as ``?``.
    """
    if len(text) > _LONGEST_FOR_RE:
        import pyarrow as pa  # a fifth of a second; such lines are rare

        whole = text.encode("utf-8", "replace").decode()
        return str(redact_column(pa.repeat(pa.scalar(whole, pa.string()), 1))[0].as_py())
    for _ in range(_MOST_PASSES):
        before = text
        for hint, rules in _COMPILED:
            if hint.search(text):
                for pattern, put in rules:
                    text = pattern.sub(put, text)
        if text == before:
            break
    return text


def redacted(telemetry: Telemetry) -> Telemetry:
    """Return the telemetry with log lines, events' codes, messages and details, and gaps' reasons redacted.

    A code is a machine's word, but that of an alert is its name: a label that others write.
    Live answers and recordings both pass here, so that a report from either is the same.
    """
    logs = telemetry.logs.table
    position = logs.schema.get_field_index("line")
    lines = redact_column(logs.column("line"))
    return replace(
        telemetry,
        logs=Logs(table=logs.set_column(position, "line", lines)),
        events=tuple(
            replace(
                e,
                code=redact(e.code),
                message=redact(e.message),
                details=tuple((k, redact(v)) for k, v in e.details),
            )
            for e in telemetry.events
        ),
        gaps=tuple(replace(g, reason=redact(g.reason)) for g in telemetry.gaps),
    )


def redact_column(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column of texts with the rules of `redact` applied to each.

    Args:
        column: Strings, plain or dictionary-encoded; null stays null.

    Returns:
        Plain strings, as many.
    """
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray):
        # not combine_chunks: it hands back a chunked array where one would grow beyond 2 GiB
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, column.type)
    if pa.types.is_dictionary(column.type):
        return redact_column(column.dictionary).take(column.indices)
    return _settled(column.cast(pa.string()), _MOST_PASSES)


def _settled(texts: pa.Array, passes: int) -> pa.Array:
    """Apply all rules, then again to the texts that changed."""
    import pyarrow.compute as pc

    clean = texts
    for group in _GROUPS:
        meant = pc.fill_null(pc.match_substring_regex(clean, pattern=group.hint), False)
        if pc.any(meant).as_py():
            clean = pc.replace_with_mask(clean, meant, _replaced(clean.filter(meant), group))
    changed = pc.fill_null(pc.not_equal(texts, clean), False)
    if passes > 1 and pc.any(changed).as_py():
        clean = pc.replace_with_mask(clean, changed, _settled(clean.filter(changed), passes - 1))
    return clean


def _replaced(texts: pa.Array, group: _Group) -> pa.Array:
    import pyarrow.compute as pc

    for pattern, put in group.rules:
        texts = pc.replace_substring_regex(texts, pattern=pattern, replacement=put)
    return texts
