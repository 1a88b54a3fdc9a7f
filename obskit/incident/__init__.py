"""The engine: from telemetry to a diagnosis."""
