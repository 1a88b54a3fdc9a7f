"""What a preview is about: what is asked, and what each panel then holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from obskit.ascode.definition import Language, Model
from obskit.ascode.interpolate import Value, Values
from obskit.model import FloatMatrix, TimeArray, Window
from obskit.settings import Connection, LabelNames

if TYPE_CHECKING:
    from obskit.sources.bundle import Recording

#: ``data``: something to show; ``empty``: asked, and nothing came; ``failed``: the server refused,
#: or was late; ``not_asked``: nobody could be asked; ``plain``: a panel without queries.
State = Literal["data", "empty", "failed", "not_asked", "plain"]

#: Log lines that a panel shows.
MOST_LINES = 100


def _no_progress(done: int, of: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewAsk:
    """Where a preview's data comes from.

    Attributes:
        window: The stretch of time that Grafana would show; None for all that a recording holds.
            Its step is not used: each panel has its own, as in Grafana.
        variables: ``(name, value)`` as given; a name that comes twice has two values.
        prometheus, loki: Whom to ask; an empty ``url`` is nobody.
        recording: Instead of both.
        deadline: ``time.monotonic()`` beyond which no answer is waited for.
        scrape_seconds: How often targets are scraped: the data source's setting in Grafana, 15 s
            by default there. Rates look at four of them at least.
        width: Pixels that the dashboard is wide; with the window it gives each panel's step.
        labels: How series name their service and task; legends of a recording are filled by it.
        progress: Told after each answer: how many came, and of how many.
    """

    window: Window | None = None
    variables: tuple[tuple[str, str], ...] = ()
    prometheus: Connection = field(default_factory=Connection)
    loki: Connection = field(default_factory=Connection)
    recording: Recording | None = None
    deadline: float = float("inf")
    scrape_seconds: float = 15.0
    width: int = 1600
    labels: LabelNames = field(default_factory=LabelNames)
    progress: Callable[[int, int], None] = _no_progress


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """The answer to one target.

    Attributes:
        times: Shape (T,), datetime64[ns], UTC, ascending.
        values: Shape (T, N), in the panel's unit; NaN where there was no sample.
        names: Length N, what the legend says.
        labels: Length N, what tells the columns apart, for tables.
    """

    times: TimeArray
    values: FloatMatrix
    names: tuple[str, ...]
    labels: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One log line; its text is redacted, and still hostile."""

    time_ns: int
    source: str
    level: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One query of a panel, and what became of it.

    Attributes:
        ref: The target's ``refId``.
        language: "" when the data source is neither Prometheus nor Loki.
        text: As it was sent; as the definition has it when it was not.
        said: Why there is no answer, or what the server said beside it; "" otherwise.
        outcome: Whether it was asked, and in vain.
    """

    ref: str
    language: Language
    text: str
    said: str = ""
    outcome: Literal["answered", "failed", "not_asked"] = "answered"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PanelData:
    """What one panel shows.

    Attributes:
        panel: As Grafana's JSON has it.
        state: Whether there is anything to show.
        why: For a person, when there is not.
        frames: One for each target that was answered with numbers.
        lines: Newest first, at most `MOST_LINES`.
        sent: Its queries.
        notes: What a reader should know about the data.
    """

    panel: Model
    state: State
    why: str = ""
    frames: tuple[Frame, ...] = ()
    lines: tuple[Line, ...] = ()
    sent: tuple[Sent, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreviewData:
    """What a whole dashboard shows.

    Attributes:
        panels: In the definition's order, rows and those inside collapsed rows included.
        window: The stretch of time.
        source: Where the data comes from, for a person.
        values: What the variables stand for; Grafana's own left out.
        notes: What a reader should know about all of it.
    """

    panels: tuple[PanelData, ...]
    window: Window
    source: str
    values: dict[str, Value]
    notes: tuple[str, ...] = ()

    def count(self, state: State) -> int:
        """Return how many panels are in a state."""
        return sum(panel.state == state for panel in self.panels)


__all__ = ["MOST_LINES", "Frame", "Line", "PanelData", "PreviewAsk", "PreviewData", "Sent", "State", "Value", "Values"]
