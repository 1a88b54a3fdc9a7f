"""Tests of the alerts on caches and queues."""

from obskit.ascode.alerts import around, changing, counting, fires, quiet, steady

Series = dict[str, str]

CACHE = '{instance="redis-1:6379"}'


def cache_up(value: float) -> Series:
    """Return two caches, of which one answers or not."""
    return {f"redis_up{CACHE}": steady(value), 'redis_up{instance="redis-2:6379"}': steady(1)}


def cache_memory(share: float, evicted: float = 0) -> Series:
    """Return a cache that is full to a share."""
    return {
        f"redis_memory_used_bytes{CACHE}": steady(share * 1000),
        f"redis_memory_max_bytes{CACHE}": steady(1000),
        f"redis_evicted_keys_total{CACHE}": counting(evicted),
    }


def hits(share: float, evicted: float = 0) -> Series:
    """Return a cache that answers a share of 100 reads a second."""
    return {
        f"redis_keyspace_hits_total{CACHE}": counting(share * 100),
        f"redis_keyspace_misses_total{CACHE}": counting((1 - share) * 100),
        f"redis_evicted_keys_total{CACHE}": counting(evicted),
    }


def evicting(per_second: float) -> Series:
    """Return a cache that throws keys out while half of its reads miss."""
    return hits(0.5, evicted=per_second)


def clients(share: float) -> Series:
    """Return a cache that has a share of its clients."""
    return {
        f"redis_connected_clients{CACHE}": steady(share * 10_000),
        f"redis_config_maxclients{CACHE}": steady(10_000),
    }


def cache_busy(share: float) -> Series:
    """Return a cache whose one thread works a share of the time."""
    return {
        f"redis_cpu_sys_main_thread_seconds_total{CACHE}": counting(share / 4),
        f"redis_cpu_user_main_thread_seconds_total{CACHE}": counting(share * 3 / 4),
    }


def rabbit(ready: str, consumers: float, queue: str = "mails") -> Series:
    """Return a queue of RabbitMQ."""
    labels = f'{{queue="{queue}",vhost="/"}}'
    return {f"rabbitmq_queue_messages_ready{labels}": ready, f"rabbitmq_queue_consumers{labels}": steady(consumers)}


def consumers(count: float) -> Series:
    """Return a queue in which 500 messages wait, and one beside it that is served."""
    return {**rabbit(steady(500), count), **rabbit(steady(500), 4, "orders")}


def age(seconds: float, queue: str = "mails") -> Series:
    """Return the age of the oldest message of a queue of SQS."""
    return {f'aws_sqs_approximate_age_of_oldest_message_maximum{{dimension_QueueName="{queue}"}}': steady(seconds)}


def kafka(lag: str, taken: str) -> Series:
    """Return a consumer group of Kafka: what waits, and how far it has come."""
    labels = '{consumergroup="billing",topic="orders",partition="0"}'
    return {f"kafka_consumergroup_lag{labels}": lag, f"kafka_consumergroup_current_offset{labels}": taken}


def growing(per_second: float) -> Series:
    """Return a queue in which 1000 messages wait and so many more each second."""
    return rabbit(changing(1000, per_second), 4)


def dead(count: float) -> Series:
    """Return a dead-letter queue of SQS."""
    metric = "aws_sqs_approximate_number_of_messages_visible_average"
    return {f'{metric}{{dimension_QueueName="mails-dlq"}}': steady(count)}


TESTS = (
    around("CacheDown", cache_up, labels={"instance": "redis-1:6379", "severity": "page"}),
    fires("CacheDown", cache_up(0), at="3m", why="two minutes are enough"),
    around("CacheFull", cache_memory, labels={"severity": "page"}, bad=1.0, good=0.95, far=1.0),
    quiet("CacheFull", cache_memory(1.0, evicted=20), at="30m", why="a cache that evicts is full by design"),
    quiet(
        "CacheFull",
        {**cache_memory(1.0), f"redis_memory_max_bytes{CACHE}": steady(0)},
        at="30m",
        why="0 means that there is no limit",
    ),
    around("CacheTooSmall", evicting, labels={"severity": "ticket"}),
    quiet("CacheTooSmall", hits(0.95, evicted=50), at="90m", why="what it throws out is not missed"),
    around("CacheHitRatioLow", hits, labels={"severity": "ticket"}),
    quiet("CacheHitRatioLow", hits(0.3, evicted=50), at="90m", why="it is too small: CacheTooSmall says so"),
    quiet(
        "CacheHitRatioLow",
        {key: steady(7) for key in hits(0.3)},
        at="90m",
        why="nobody reads: there is no share of nothing",
    ),
    around("CacheConnectionsExhausted", clients, labels={"instance": "redis-1:6379", "severity": "page"}),
    fires(
        "CacheConnectionsExhausted",
        {'aws_elasticache_curr_connections_average{dimension_CacheClusterId="sessions"}': steady(64_000)},
        at="10m",
        labels={"dimension_CacheClusterId": "sessions"},
        why="ElastiCache allows 65,000 clients and tells only how many there are",
    ),
    fires("CacheConnectionsExhausted", clients(1), at="3m", why="it is a gauge: two minutes are enough"),
    around("CacheBusy", cache_busy, labels={"instance": "redis-1:6379", "severity": "ticket"}),
    around("QueueWithoutConsumers", consumers, labels={"queue": "mails", "severity": "page"}),
    quiet("QueueWithoutConsumers", rabbit(steady(20), 0), at="30m", why="a few messages that wait are no pile"),
    quiet(
        "QueueWithoutConsumers",
        rabbit(steady(500), 0, "mails.DLQ"),
        at="30m",
        why="nobody is meant to take dead letters",
    ),
    fires(
        "QueueWithoutConsumers",
        {
            'kafka_consumergroup_members{consumergroup="billing"}': steady(0),
            **kafka(steady(500), steady(9000)),
        },
        at="30m",
        labels={"consumergroup": "billing"},
        why="a group of Kafka without members",
    ),
    around("QueueDelayed", age, labels={"dimension_QueueName": "mails", "severity": "page"}),
    quiet("QueueDelayed", age(90_000, "mails-dead-letter"), at="30m", why="dead letters are old by design"),
    fires(
        "QueueDelayed",
        kafka(steady(500), steady(9000)),
        at="30m",
        labels={"consumergroup": "billing"},
        why="nothing is taken at all: infinitely long",
    ),
    quiet("QueueDelayed", kafka(steady(0), steady(9000)), at="30m", why="nothing waits, and nothing is taken"),
    quiet(
        "QueueDelayed", kafka(steady(500), counting(1)), at="30m", why="500 messages at one a second are eight minutes"
    ),
    around("QueueGrowing", growing, labels={"queue": "mails", "severity": "ticket"}),
    quiet("QueueGrowing", rabbit("0x40 80x600", 4), at="30m", why="eighty messages came at once and wait"),
    quiet(
        "QueueGrowing",
        rabbit(f"0x40 2000-10x200 {'0 ' * 200}", 4),
        at="50m",
        why="a batch that was sent at once is being worked off",
    ),
    around("DeadLetters", dead, labels={"dimension_QueueName": "mails-dlq", "severity": "ticket"}),
)
