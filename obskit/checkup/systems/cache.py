"""Caches: Redis and Memcached."""

from obskit.checkup.words import System

SYSTEM = System(name="cache", title="cache", topics=("cache",), tell=("cache_memory_ratio", "cache_hit_ratio"))
