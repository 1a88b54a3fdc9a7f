"""One service at ease: traffic, errors, latency, what it calls, what it runs on."""

from obskit.ascode import board, group, panel, stat

dashboard = board(
    "service",
    title="Service overview",
    description="Rate, errors and latency of a service, and what its tasks use.",
    events=True,
    groups=(
        group(
            "Now",
            stat("http_requests"),
            stat("http_error_ratio"),
            stat("http_latency_p95"),
            stat("container_cpu_ratio"),
            stat("container_memory_ratio"),
            stat("task_up"),
            more="incident",
        ),
        group(
            "Requests",
            "http_requests",
            "http_error_ratio",
            "http_in_flight",
            "http_in_progress_seconds",
            "http_traffic_ratio",
            panel("http_latency_p99", "http_latency_p95", "http_latency_p50", title="Latency, p99, p95 and p50"),
            "http_latency_mean",
        ),
        group("What it calls", "client_requests", "client_latency_mean", "client_error_ratio"),
        group(
            "Container",
            "container_cpu_cores",
            "container_cpu_ratio",
            "container_cpu_throttled_ratio",
            "container_memory_bytes",
            "container_memory_ratio",
            "process_fds_ratio",
            panel(
                "container_network_receive_bytes",
                "container_network_transmit_bytes",
                title="Network, received and sent",
            ),
            panel("container_disk_read_bytes", "container_disk_write_bytes", title="Disk, read and written"),
            "container_network_errors",
            "container_storage_ratio",
        ),
        group(
            "Runtime",
            "runtime_gc_ratio",
            "runtime_loop_lag",
            "runtime_heap_bytes",
            "runtime_heap_ratio",
            "runtime_threads",
            "http_workers_ratio",
            panel("task_restarts", "service_starts", title="Restarts in 15 minutes, by task and of the service"),
            "service_tasks_up",
        ),
    ),
)
