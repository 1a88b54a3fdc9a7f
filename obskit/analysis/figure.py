"""A figure that shows itself in a notebook, and leaves pyplot's global state alone."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class Drawn(Figure):
    """A matplotlib figure; ``savefig``, ``axes`` and all else are as there.

    One that pyplot does not know of is not drawn twice below a cell, and not kept for ever.
    """

    def _repr_png_(self) -> bytes:
        body = io.BytesIO()
        self.savefig(body, format="png")
        return body.getvalue()
