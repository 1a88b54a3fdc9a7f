"""From an alert to its root cause, and what has to be in place for that."""
