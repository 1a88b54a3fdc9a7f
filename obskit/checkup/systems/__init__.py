"""One file a system, each with a ``SYSTEM``: which topics of the catalogue speak of it, and what else is asked."""
