"""Log lines -> templates: what is left of a line when its variable parts are masked with ``#``.

From many lines to few texts, so that only the first step sees every line: `blanking.coarse`
blanks numbers and ids in the bytes of a whole column and encodes what is left; `signatures.fold`
puts stack traces together; `signatures.read` unwraps and `masking.mask` hides the variable
parts, once for each distinct text; `grouping.group` puts together what says the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from obskit.incident.blanking import coarse
from obskit.incident.distinct import distinct
from obskit.incident.grouping import Mined, group
from obskit.incident.masking import mask, mask_status
from obskit.incident.signatures import LEVELS, Message, driver_of, fold, inherit, match_examples, read, read_record

#: Bytes of a template's id: among a million templates two are alike with a chance of 1 to 40 millions.
_ID_BYTES: Final = 8
#: Levels of lines that tell of errors.
BAD_LEVELS: Final = ("error", "fatal")


def mine(lines: pa.ChunkedArray | pa.Array) -> Mined:
    """Group lines that say the same, whatever their values, their level and their HTTP status.

    Neither the order of lines nor how the column is cut into chunks matters.

    Args:
        lines: Strings; null counts as "".

    Returns:
        One template id a line, and the templates.
    """
    codes, texts = coarse(lines)
    said = [read(text).words for text in texts]
    masked = {words: mask_status(mask(words)) for words in set(said)}
    grouped = group([masked[words] for words in said])
    return Mined(ids=grouped.ids[codes], templates=grouped.templates)


def template_id(text: str) -> str:
    """Return the stable id of a template: the same text has the same id in every run and on every machine.

    Args:
        text: A template, as in ``Mined.templates``.

    Returns:
        16 hexadecimal digits: the first half of what BLAKE2b makes of the text's UTF-8.
    """
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_ID_BYTES).hexdigest()


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


def _group(
    texts: Sequence[str], levels: Sequence[str], signatures: Sequence[str]
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Return the template of each masked text, and the templates; what tells of errors keeps what failed."""
    ids, names = np.zeros(len(texts), np.int64), tuple[str, ...]()
    bad = np.array([level in BAD_LEVELS for level in levels], bool)
    for errors in (True, False):
        at = np.flatnonzero(bad == errors).tolist()
        if at:
            grouped = group([texts[i] for i in at], [f"{levels[i]}\0{signatures[i]}" for i in at], errors=errors)
            ids[at] = grouped.ids + len(names)
            names += grouped.templates
    return ids, names


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
        key = distinct(key * (int(part.max()) + 2) + part + 1).inverse
    sample = distinct(key).first
    spoken: dict[tuple[str, str], int] = {}
    kinds = []
    texts.append("")  # what position -1 stands for
    for first, last, drive, said in zip(*(part[sample].tolist() for part in parts), strict=True):
        message = read_record(texts[first], texts[last], driver_of(texts[drive]))
        kind = (LEVELS.get(levels[said].lower(), "") or message.level, mask(message.words))
        kinds.append(spoken.setdefault(kind, len(spoken)))
    kind_of = np.array(kinds)[key]
    sample = distinct(kind_of).first
    raw = [[lines[int(r)].as_py() if r >= 0 else "" for r in (row[i], final[i], driver[i])] for i in sample]
    examples = [read_record(first, last, driver_of(drive)) for first, last, drive in raw]
    level_of = [known or example.level for (known, _), example in zip(spoken, examples, strict=True)]
    found = match_examples([example.words for example in examples], level_of)
    found = inherit(found, [example.words for example in examples])
    ids, names = _group([text for _, text in spoken], level_of, found)
    first_of = distinct(ids).first
    return Records(
        time_ns=time_ns[row],
        weight=table["weight"].to_numpy()[row],
        service=service[row],
        task=task[row],
        template=ids[kind_of],
        services=services,
        tasks=tasks,
        names=names,
        levels=tuple(level_of[i] for i in first_of),
        signatures=tuple(found[i] for i in first_of),
        examples=tuple(examples[i] for i in first_of),
    )
