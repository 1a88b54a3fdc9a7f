"""Queues: do consumers keep up."""

from obskit.checkup.words import System

SYSTEM = System(name="queues", title="queues", topics=("messaging",), tell=("queue_delay", "queue_backlog"))
