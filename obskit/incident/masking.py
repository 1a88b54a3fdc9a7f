"""What a log message says and what is only a value in it, by how the characters look.

`mask` hides what is surely a value: numbers, ids, addresses, times. `wording` goes further and
hides what may be one as well: paths, host and class names, units, lists. Two messages of one
wording are one template; a wording that only one message has is not shown to anybody. What
failed is no value: codes of errors stay everywhere, names stay in messages that tell of errors.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

#: What stands for a variable part.
MASK: Final = "#"

# -- 1. what is surely a value ------------------------------------------------------------------

#: A word with a digit; its letters are taken whole, so that no long word is searched twice.
_WORD: Final = re.compile(
    "(?<![0-9A-Za-z\u0080-\U0010ffff])[A-Za-z\u0080-\U0010ffff]*+[0-9][0-9A-Za-z\u0080-\U0010ffff]*"
)
_DIGITS: Final = re.compile("[0-9]+")
_HEX_ONLY: Final = re.compile("[0-9A-Fa-f]+")
_UUID: Final = re.compile(
    r"(?<![0-9A-Za-z#])[0-9a-fA-F#]{1,12}(?:-[0-9a-fA-F#]{1,4}){3}-[0-9a-fA-F#]{1,12}(?![0-9A-Za-z#])"
)
_HEX_WORD: Final = re.compile(r"\b[0-9a-f]{8,}\b")
#: Hardware and IPv6 addresses: at least four groups of hexadecimal digits.
_ADDRESS: Final = re.compile(r"(?<![\w#:])[0-9a-fA-F#]{1,4}(?::[0-9a-fA-F#]{1,4}){3,}(?![\w#:])")
_SIGN: Final = re.compile(r"(^|[\s=:(\[,_])-#")
_CHAIN: Final = re.compile(r"#(?:[.:,/_+-]+#)+")
_MONTH: Final = re.compile(r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +#")
_DATE: Final = re.compile(rf"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +)?{_MONTH.pattern}(?: +#)*")
#: Where a number of three digits is an HTTP status: after a request, or after a word for it.
_STATUS: Final = re.compile(
    r"(\b(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)\s+\S{1,400}\s+(?:HTTP/[\d.#]+)?\"?\s*"
    r"|\b(?:[Ss]tatus(?:[ _]?[Cc]ode)?|code|answered|responded|returned|response)[\"']?[ :=]{1,3}[\"']?(?:with )?)"
    r"([1-5]\d\d)(?![\w.])"
)
#: Where a word with a digit says which error it was: errno, SQLSTATE (five signs, by ISO 9075), the
#: codes of errors and exits, and those of Oracle.
_CODE: Final = re.compile(
    r"((?i:\b(?:errno|sqlstate|(?:error|err|exit|return|result|status)[ _]?code|exit[ _]status)"
    r"[\"']?[ :=\[(]{0,3}[\"']?|(?<![A-Za-z])(?:os |win)?error[ =])|\b(?:ORA|TNS)-"
    r"|\bcode[\"']?[ :=]{1,3}[\"']?(?=[0-9A-Z]{5}(?!\w)))-?"
    r"((?=[A-Z]*[0-9])[0-9A-Z]{1,5})(?![\w.#-])"
)
_KEPT: Final = re.compile(r"(?<!\w)(?=\w*[0-9])\w+")
_DIGIT: Final = re.compile("[0-9]")


def mask(text: str) -> str:
    """Return a message with its variable parts as ``#``; masking twice changes nothing.

    Numbers, with their units, ids, addresses and times go; the HTTP status of a request and the
    code of an error (errno, SQLSTATE and the like) stay.
    """
    if not _DIGIT.search(text):
        return _mask(text)
    parts, at = [], 0
    for first, last in sorted(found.span(2) for kept in (_STATUS, _CODE) for found in kept.finditer(text)):
        if first >= at:
            parts += [_mask(text[at:first]), text[first:last]]
            at = last
    return "".join([*parts, _mask(text[at:])])


def mask_status(text: str) -> str:
    """Return a masked message with the HTTP statuses and the codes of errors masked that `mask` has left."""
    return _SIGN.sub(r"\1#", _KEPT.sub(MASK, text))


def _mask(text: str) -> str:
    # A pattern is only tried where it may be found: most messages have no use for most of them.
    if text.count("-") >= 4:
        text = _UUID.sub(_mask_groups, text)
    text = _HEX_WORD.sub(MASK, _WORD.sub(lambda found: _mask_word(found[0]), text))
    if MASK not in text:
        return text
    if text.count(":") >= 3:
        text = _ADDRESS.sub(_mask_groups, text)
    if "-#" in text:
        text = _SIGN.sub(r"\1#", text)
    text = _CHAIN.sub(MASK, text)
    return _DATE.sub(MASK, text) if _MONTH.search(text) else text


def _mask_groups(found: re.Match[str]) -> str:
    return MASK if re.search("[0-9#]", found[0]) else found[0]


@lru_cache(maxsize=1 << 14)
def _mask_word(word: str) -> str:
    """Return a word with a digit, masked: whole if it is a number or an id, else its digits."""
    runs = len(_DIGITS.findall(word))
    if "0" <= word[0] <= "9" or (len(word) >= 6 and _HEX_ONLY.fullmatch(word)) or (runs >= 2 and len(word) >= 5):
        return MASK
    return _DIGITS.sub(MASK, word)


# -- 2. what may be a value ---------------------------------------------------------------------

_IN_PATH: Final = r"[^\s\"'<>()\[\]{},;|]"
_URL: Final = re.compile(rf"\b[A-Za-z][A-Za-z#+.-]{{0,20}}+://{_IN_PATH}+")
#: Of Unix from the root, the home or the folder; of Windows from a drive, a share or a device.
_PATH: Final = re.compile(rf"(?<![\w#.~/])(?:~|\.\.?)?/(?:{_IN_PATH}*[^\s\"'<>()\[\]{{}},;|:.])")
_WINDOWS_PATH: Final = re.compile(r"(?<![\w#\\])(?:[A-Za-z]:)?\\[^\s\"'<>|,;]+")
#: Host names of two parts need a domain that everybody knows; those of more are dotted names.
_HOST: Final = re.compile(
    r"(?<![\w.#@-])(?:[\w.+#-]+@)?(?:[\w#-]+\.)+(?:com|net|org|edu|gov|mil|int|info|biz|io|local|localdomain|lan|internal)"
    r"(?::#)?(?![\w.(-])"
)
#: Classes, packages, hosts and keys: three parts or more. A key before "=" or a call says what it is.
_DOTTED: Final = re.compile(r"(?<![\w.#/@$-])[\w$#-]++(?:\.[\w$#-]++){2,}+(?:[/:][\w.$#-]+)*+(?![(=])")
_TEN: Final = re.compile(r"(?<=[=:])( ?)(?:true|false|null|nil|none|yes|no)\b", re.IGNORECASE)
_BOUND: Final = re.compile(r"(?<![^\s=:(\[])[<>~]=? ?(?=#)")
_UNIT: Final = re.compile(
    r"(?<=#) (?:[KMGTP]i?B|B|ns|us|µs|ms|msecs?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)(?![\w#])"
)
#: One id of several parts: all from its first mask to its last, if no part has more than two letters.
_ID: Final = re.compile(r"#(?:[_.:-][A-Za-z]{0,2}#?)+(?<=#)")
_LIST: Final = re.compile(r"#(?:[,;] ?#)+")
_SPACES: Final = re.compile(r"(?<=#) {2,}| {2,}(?=#)")


def wording(text: str, *, names: bool = True) -> str:
    """Return a masked message with everything masked that may be a value by its looks.

    Those are paths, URLs, names of hosts and classes (not where the message begins with one),
    yes, no and nothing after a key, units of sizes and times, and lists, whatever their length.

    Args:
        text: A masked message.
        names: Whether names are values: not where they say what failed.
    """
    return _wording(_nameless(text) if names else text)


def _nameless(text: str) -> str:
    if "/" in text:
        text = _PATH.sub(MASK, _URL.sub(MASK, text) if "://" in text else text)
    if "\\" in text:
        text = _WINDOWS_PATH.sub(MASK, text)
    if "." in text:
        text = _DOTTED.sub(lambda m: MASK if m.start() else m[0], _HOST.sub(MASK, text))
    return text


def _wording(text: str) -> str:
    if "=" in text or ":" in text:
        text = _TEN.sub(r"\1#", text)
    if MASK not in text:
        return text
    text = _ID.sub(MASK, _BOUND.sub("", text))
    text = _LIST.sub(MASK, _UNIT.sub("", _SPACES.sub(" ", text)))
    words = text.replace(" = ", "=").split(" ")
    return " ".join(
        w for i, w in enumerate(words) if not (i and MASK in w and w.strip(",;") == words[i - 1].strip(",;"))
    )
