"""The business services: what users feel, and what their tasks have left."""

from obskit.checkup.words import Fill, System

SYSTEM = System(
    name="application",
    title="services",
    topics=("http", "http_load", "container", "container_io", "task", "logs", "log_detail"),
    tell=("http_latency_p95", "http_error_ratio", "container_cpu_ratio", "container_memory_ratio"),
    fills=(Fill(signal="container_storage_ratio", what="task's disk is full in"),),
)
