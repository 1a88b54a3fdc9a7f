"""Log lines -> templates: what is left of a line when its variable parts are masked with ``#``.

From many lines to few texts, so that only the first step sees every line: `coarse` blanks
numbers and ids in the bytes of a whole column and encodes what is left; `fold` puts stack traces
together; `signatures.read` unwraps and `mask` hides the variable parts, once for each distinct
text; `group` merges texts that differ in one word that takes many values.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from obskit.incident.signatures import LEVELS, Message, driver_of, fold, inherit, match_examples, read, read_record

Ids = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]

#: What stands for a variable part.
MASK: Final = "#"
#: More distinct texts than this come from words, not numbers: they are masked harder.
MOST_TEXTS: Final = 20_000
#: A word counts as variable where at least this many values were seen in its place.
VALUES_OF_A_VARIABLE: Final = 4
#: Longer messages are not compared word by word: it would cost their length squared.
_MOST_WORDS: Final = 60
#: Bytes that are worked on at once; a block and its companions stay in a core's cache.
_BLOCK: Final = 1 << 17

_OTHER, _LETTER, _HEX, _DIGIT = range(4)
_CLASSES: Final = bytes(
    _DIGIT
    if chr(c).isdigit() and c < 128
    else _HEX
    if chr(c) in "abcdefABCDEF"
    else _LETTER
    if c >= 128 or chr(c).isalpha()
    else _OTHER
    for c in range(256)
)
#: What may stand before and after an HTTP status for it to be kept by `coarse`.
_BESIDE_STATUS: Final = bytes(chr(c) in " =:\"',;}])|" or c < 32 for c in range(256))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mined:
    """Which template each line belongs to.

    Attributes:
        ids: Shape (lines,), int32: position in ``templates``.
        templates: The distinct templates, ascending, so that order of lines does not matter.
    """

    ids: Ids
    templates: tuple[str, ...]


def mine(lines: pa.ChunkedArray | pa.Array) -> Mined:
    """Group lines that differ only in their variable parts.

    Args:
        lines: Strings; null counts as "".

    Returns:
        One template id a line, and the templates.
    """
    codes, texts = coarse(lines)
    grouped = group([mask(read(text).words) for text in texts])
    return Mined(ids=grouped.ids[codes] if len(texts) else codes, templates=grouped.templates)


# -- 1. bytes ---------------------------------------------------------------------------------


def coarse(lines: pa.ChunkedArray | pa.Array) -> tuple[Ids, list[str]]:
    """Blank numbers and ids in a whole column and return the distinct texts that are left.

    Args:
        lines: Strings; null counts as "".

    Returns:
        Shape (lines,), the position of each line's text; and the texts, where every run of
        letters and digits that looks like a number or an id has become ``0``. Three digits
        that may be an HTTP status stay.
    """
    chunks = lines.chunks if isinstance(lines, pa.ChunkedArray) else [lines]
    blanked = pa.chunked_array([_blank_chunk(chunk) for chunk in chunks], pa.large_string())
    encoded = blanked.combine_chunks().dictionary_encode()
    if len(encoded.dictionary) > MOST_TEXTS:
        encoded = _harder(encoded)
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32)
    return codes, encoded.dictionary.to_pylist()


def _blank_chunk(chunk: pa.Array) -> pa.Array:
    """Return a chunk of strings with its numbers and ids blanked."""
    filled = pc.fill_null(chunk.cast(pa.large_string()), "")
    if not len(filled):
        return filled
    offsets = np.frombuffer(filled.buffers()[1], np.int64)[filled.offset : filled.offset + len(filled) + 1]
    data = filled.buffers()[2]
    raw = np.frombuffer(data, np.uint8) if data is not None and data.size else np.empty(0, np.uint8)
    # Blocks end where lines end: a word must not be cut in two.
    edges = np.searchsorted(offsets, np.arange(offsets[0], offsets[-1], _BLOCK), side="right") - 1
    edges = np.unique(np.concatenate(([0], edges, [len(filled)])))
    out, lengths = [], []
    for first, last in itertools.pairwise(edges.tolist()):
        base = offsets[first]
        kept, length = _blank(raw[base : offsets[last]], offsets[first : last + 1] - base)
        out.append(kept)
        lengths.append(length)
    where = np.concatenate(([0], np.cumsum(np.concatenate([*lengths, np.empty(0, np.int64)])))).astype(np.int64)
    body = np.concatenate([*out, np.empty(0, np.uint8)])
    return pa.Array.from_buffers(pa.large_string(), len(filled), [None, pa.py_buffer(where), pa.py_buffer(body)])


def _blank(raw: Bytes, offsets: npt.NDArray[np.int64]) -> tuple[Bytes, npt.NDArray[np.signedinteger]]:
    """Blank numbers and ids in some lines' bytes.

    Returns:
        The bytes that are left, and how many of them each line has.
    """
    kinds = np.frombuffer(raw.tobytes().translate(_CLASSES), np.uint8)
    digit = kinds == _DIGIT
    if not digit.any():
        return raw, np.diff(offsets)
    breaks = np.zeros(len(raw) + 1, bool)
    breaks[offsets] = True
    starts, ends = _runs(kinds != _OTHER, breaks)
    digit_start = digit.copy()
    digit_start[1:] &= ~digit[:-1] | breaks[1:-1]
    whole, status = _judge_words(raw, kinds, digit_start, starts, ends, breaks)
    # Every byte of a word learns what its word is: 1 is blanked whole, 2 a status, 0 the rest.
    segments = np.empty(2 * len(starts) + 1, np.int64)
    segments[0::2] = np.append(starts, len(raw)) - np.append(0, ends)
    segments[1::2] = ends - starts
    fates = np.zeros(len(segments), np.uint8)
    fates[1::2] = whole + 2 * status
    fate = np.repeat(fates, segments)
    out = np.where(digit & (fate != 2), np.uint8(ord("0")), raw)
    out[starts[whole]] = ord("0")
    keep = np.where(fate == 1, False, ~digit | digit_start | (fate == 2))
    keep[starts[whole]] = True
    return np.compress(keep, out), np.diff(_running(keep)[offsets])


def _running(flags: npt.NDArray[np.bool_]) -> Ids:
    """Return how many flags stand before each place, and before the end (32 bits: eight times as fast as 64)."""
    total = np.zeros(len(flags) + 1, np.int32)
    np.cumsum(flags, out=total[1:])
    return total


def _runs(
    word: npt.NDArray[np.bool_], breaks: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where runs of word bytes start and end; no run goes past the end of a line."""
    before = np.concatenate(([False], word[:-1])) & ~breaks[:-1]
    after = np.concatenate((word[1:], [False])) & ~breaks[1:]
    return np.flatnonzero(word & ~before), np.flatnonzero(word & ~after) + 1


def _judge_words(
    raw: Bytes,
    kinds: Bytes,
    digit_start: npt.NDArray[np.bool_],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    breaks: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Say of each word whether it is blanked whole, and whether it may be an HTTP status."""
    runs, others, length = _running(digit_start), _running(kinds == _LETTER), ends - starts
    digit_runs, letters = runs[ends] - runs[starts], others[ends] - others[starts]
    first_digit = kinds[starts] == _DIGIT
    whole = first_digit | ((digit_runs > 0) & (letters == 0) & (length >= 6)) | ((digit_runs >= 2) & (length >= 5))
    padded = np.concatenate((raw, np.zeros(1, np.uint8)))
    beside = np.frombuffer(_BESIDE_STATUS, np.bool_)
    candidate = np.flatnonzero(first_digit & (length == 3))
    at = starts[candidate]
    good = (kinds[at + 1] == _DIGIT) & (kinds[at + 2] == _DIGIT)
    good &= (raw[at] >= ord("1")) & (raw[at] <= ord("5"))
    good &= ~breaks[at] & beside[padded[at - 1]] & (breaks[at + 3] | beside[padded[at + 3]])
    status = np.zeros(len(starts), bool)
    status[candidate[good]] = True
    return whole & ~status, status


def _harder(encoded: pa.DictionaryArray) -> pa.DictionaryArray:
    """Bring a column of too many distinct texts down: mask more, cut, lump the rarest together."""
    indices, texts = encoded.indices, encoded.dictionary
    for pattern, replacement in _HARDER:
        again = pc.replace_substring_regex(texts, pattern, replacement).dictionary_encode()
        indices, texts = again.indices.take(indices), again.dictionary
        if len(texts) <= MOST_TEXTS:
            return pa.DictionaryArray.from_arrays(indices, texts)
    counts = np.bincount(indices.to_numpy(), minlength=len(texts))
    keep = np.ones(len(texts), bool)
    keep[np.argsort(-counts, kind="stable")[MOST_TEXTS - 1 :]] = False
    again = pc.if_else(pa.array(keep), texts, "(other lines)").dictionary_encode()
    return pa.DictionaryArray.from_arrays(again.indices.take(indices), again.dictionary)


#: Patterns of `_harder` in order: JSON fields beside those that `read` looks at, quoted values
#: of text lines, other values, paths and addresses, then all but the first words.
_HARDER: Final = (
    (
        r'"(?:[a-z_.]*(?:id|ts|time\w*|user\w*|host\w*|url|path|query|agent|ip|name|args?))"\s*:\s*"(?:[^"\\]|\\.)*"',
        '"#":"#"',
    ),
    (r"=(?:\"[^\"]*\"|[^\s\"{}]+)|'[^']*'|/[^\s\"{},]+|[^\s\":,{}]+@[^\s\",{}]+", "=#"),
    (r"^([^{]\S*(?:\s+\S+){3}).*$", r"\1 #"),
    (r"^([^{]\S*).*$", r"\1 #"),
)


# -- 2. texts ---------------------------------------------------------------------------------

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
_SIGN: Final = re.compile(r"(^|[\s=:(\[,_])-#")
_CHAIN: Final = re.compile(r"#(?:[.:,/_+-]+#)+")
_DATE: Final = re.compile(
    r"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +#(?: +#)*"
)
#: Where a number of three digits is an HTTP status: after a request, or after a word for it.
_STATUS: Final = re.compile(
    r"(\b(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)\s+\S{1,400}\s+(?:HTTP/[\d.#]+)?\"?\s*"
    r"|\b(?:[Ss]tatus(?:[ _]?[Cc]ode)?|code|answered|responded|returned|response)[\"']?[ :=]{1,3}[\"']?(?:with )?)"
    r"([1-5]\d\d)(?![\w.])"
)


def mask(text: str) -> str:
    """Return a message with its variable parts as ``#``; masking twice changes nothing.

    Numbers, with their units, ids, addresses and times go; the HTTP status of a request stays.
    """
    parts, at = [], 0
    for found in _STATUS.finditer(text):
        parts += [_mask(text[at : found.start(2)]), found[2]]
        at = found.end()
    return "".join([*parts, _mask(text[at:])])


def _mask(text: str) -> str:
    text = _UUID.sub(lambda m: MASK if re.search("[0-9#]", m[0]) else m[0], text)
    text = _HEX_WORD.sub(MASK, _WORD.sub(_mask_word, text))
    if MASK in text:
        text = _DATE.sub(MASK, _CHAIN.sub(MASK, _SIGN.sub(r"\1#", text)))
    return text


def _mask_word(found: re.Match[str]) -> str:
    word = found[0]
    runs = len(_DIGITS.findall(word))
    if "0" <= word[0] <= "9" or (len(word) >= 6 and _HEX_ONLY.fullmatch(word)) or (runs >= 2 and len(word) >= 5):
        return MASK
    return _DIGITS.sub(MASK, word)


# -- 3. groups --------------------------------------------------------------------------------


def group(texts: Sequence[str], apart: Sequence[str] | None = None) -> Mined:
    """Merge masked texts that differ in a word whose place takes many values.

    Args:
        texts: Masked texts; equal ones may appear more than once.
        apart: One key a text, or None; texts with different keys are never merged.

    Returns:
        One template id a text, and the templates (equal ones where only their keys differ).
    """
    pairs = list(zip(apart or [""] * len(texts), texts, strict=True))
    names = {pair: pair for pair in pairs}
    for _ in range(2):  # the second pass sees places that were hidden behind the first's
        merged = _merge(sorted(set(names.values())))
        if not merged:
            break
        names = {pair: merged.get(name, name) for pair, name in names.items()}
    current = sorted(set(names.values()))
    index = {name: i for i, name in enumerate(current)}
    return Mined(ids=np.array([index[names[p]] for p in pairs], np.int32), templates=tuple(t for _, t in current))


def _merge(texts: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the new name of each text that has many siblings which differ in one word."""
    families: dict[tuple[int, str, str], list[tuple[str, list[str]]]] = defaultdict(list)
    for key, text in texts:
        words = text.split(" ")
        if 3 <= len(words) <= _MOST_WORDS:
            for i, word in enumerate(words):
                if not (len(word) == 3 and word.isdigit()):
                    families[(i, key, " ".join([*words[:i], "\0", *words[i + 1 :]]))].append((text, words))
    large = [item for item in families.items() if len(item[1]) >= VALUES_OF_A_VARIABLE]
    large.sort(key=lambda item: (-len(item[1]), item[0]))
    renamed: dict[tuple[str, str], tuple[str, str]] = {}
    for (i, key, _), members in large:
        fresh = [(text, words) for text, words in members if (key, text) not in renamed]
        if len(fresh) >= VALUES_OF_A_VARIABLE:
            words = fresh[0][1]
            name = (key, " ".join([*words[:i], MASK, *words[i + 1 :]]))
            renamed.update(dict.fromkeys(((key, text) for text, _ in fresh), name))
    return renamed


# -- 4. all of it for a table -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Records:
    """Records as columns, ascending in time; codes are positions in the tuples below.

    Attributes:
        time_ns, weight: When, and how many records it stands for.
        names, levels, signatures: One entry a template.
        examples: One message of each template, unmasked.
    """

    time_ns: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float64]
    service: npt.NDArray[np.int64]
    task: npt.NDArray[np.int64]
    template: npt.NDArray[np.int64]
    services: tuple[str, ...]
    tasks: tuple[str, ...]
    names: tuple[str, ...]
    levels: tuple[str, ...]
    signatures: tuple[str, ...]
    examples: tuple[Message, ...]


def _encode(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    encoded = column.combine_chunks().dictionary_encode()
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), tuple(encoded.dictionary.to_pylist())


def read_records(table: pa.Table) -> Records:
    """Fold the stack traces of a `Logs` table into records, and group the records by template."""
    (service, services), (task, tasks), (level, levels) = (_encode(table[n]) for n in ("service", "task", "level"))
    time_ns, lines = table["time_ns"].to_numpy(), table["line"]
    codes, texts = coarse(lines)
    row, final, driver = fold(codes, texts, service * len(tasks) + task, time_ns)
    # What a record says is read once for each combination of first line, exception, driver and level.
    parts = [codes[row], np.where(final >= 0, codes[final], -1), np.where(driver >= 0, codes[driver], -1), level[row]]
    key = np.zeros(len(row), np.int64)
    for part in parts:
        _, key = np.unique(key * (int(part.max()) + 2) + part + 1, return_inverse=True)
    _, sample = np.unique(key, return_index=True)
    spoken: dict[tuple[str, str], int] = {}
    kinds = []
    texts.append("")  # what position -1 stands for
    for first, last, drive, said in zip(*(part[sample].tolist() for part in parts), strict=True):
        message = read_record(texts[first], texts[last], driver_of(texts[drive]))
        kind = (LEVELS.get(levels[said].lower(), "") or message.level, mask(message.words))
        kinds.append(spoken.setdefault(kind, len(spoken)))
    kind_of = np.array(kinds)[key]
    _, sample = np.unique(kind_of, return_index=True)
    raw = [[lines[int(r)].as_py() if r >= 0 else "" for r in (row[i], final[i], driver[i])] for i in sample]
    examples = [read_record(first, last, driver_of(drive)) for first, last, drive in raw]
    level_of = [known or example.level for (known, _), example in zip(spoken, examples, strict=True)]
    found = match_examples([example.words for example in examples], level_of)
    found = inherit(found, [example.words for example in examples])
    grouped = group([text for _, text in spoken], [f"{a}\0{b}" for a, b in zip(level_of, found, strict=True)])
    _, first_of = np.unique(grouped.ids, return_index=True)
    return Records(
        time_ns=time_ns[row],
        weight=table["weight"].to_numpy()[row],
        service=service[row],
        task=task[row],
        template=grouped.ids[kind_of].astype(np.int64),
        services=services,
        tasks=tasks,
        names=grouped.templates,
        levels=tuple(level_of[i] for i in first_of),
        signatures=tuple(found[i] for i in first_of),
        examples=tuple(examples[i] for i in first_of),
    )
