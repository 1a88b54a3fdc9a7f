"""The database and the services' pools of connections to it."""

from obskit.checkup.words import System

SYSTEM = System(
    name="database",
    title="database",
    topics=("database_pool", "database_pool_size", "postgres", "postgres_load", "rds"),
    tell=("db_pool_used_ratio", "pg_connections_ratio", "pg_cache_hit_ratio", "rds_cpu_ratio"),
)
