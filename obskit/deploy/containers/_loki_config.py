"""Loki's configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from obskit.deploy.containers import _files, _targets

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import StackSpec


def config(spec: StackSpec, place: Place) -> str:
    """Return the configuration; the bucket's name is filled in from the environment."""
    memory = {"kvstore": {"store": "inmemory"}}
    document: dict[str, Any] = {
        "auth_enabled": False,
        "server": {
            "http_listen_port": _targets.WATCHER_PORTS["loki"],
            "grpc_listen_port": 9095,
            "log_level": "warn",
            # The routers' lines come in batches, a dashboard's answers are larger than gRPC's 4 MiB.
            "grpc_server_max_recv_msg_size": 16_777_216,
            "grpc_server_max_send_msg_size": 16_777_216,
        },
        "common": {
            "path_prefix": "/loki",
            "instance_addr": "127.0.0.1",
            "replication_factor": 1,
            "ring": memory,
            "storage": {"s3": {"bucketnames": "${LOKI_BUCKET}", "region": place.region, "s3forcepathstyle": False}},
        },
        "schema_config": {
            "configs": [
                {
                    "from": "2024-04-01",
                    "store": "tsdb",
                    "object_store": "s3",
                    "schema": "v13",
                    "index": {"prefix": "index_", "period": "24h"},
                }
            ]
        },
        "ingester": {
            "chunk_encoding": "snappy",
            "chunk_idle_period": "30m",
            "wal": {"enabled": True, "dir": "/loki/wal", "flush_on_shutdown": True},
        },
        "compactor": {
            "working_directory": "/loki/compactor",
            "retention_enabled": True,
            "delete_request_store": "s3",
        },
        "limits_config": {
            "retention_period": f"{spec.telemetry.loki_days * 24}h",
            "reject_old_samples": True,
            "reject_old_samples_max_age": "168h",
            "max_query_length": f"{spec.telemetry.loki_days * 24}h",
            "volume_enabled": True,
            # MB a second, twice Loki's defaults; and streams, for each task is one a level.
            "ingestion_rate_mb": 8,
            "ingestion_burst_size_mb": 16,
            "per_stream_rate_limit": "6MB",
            "per_stream_rate_limit_burst": "20MB",
            "max_global_streams_per_user": 20_000,
        },
        "ruler": {
            "storage": {"type": "local", "local": {"directory": f"{_files.CONFIG_PATH}/rules"}},
            "rule_path": "/loki/rules-temp",
            "alertmanager_url": f"http://prometheus.{spec.namespace}:{_targets.ALERTMANAGER_PORT}",
            "enable_api": True,
            "ring": memory,
        },
        "analytics": {"reporting_enabled": False},
    }
    return _files.yaml_text(document)
