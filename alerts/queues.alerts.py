"""Alerts on caches and queues: what services share, and what users feel late."""

from obskit.ascode.alerts import alert
from obskit.ascode.alerts.rule import Condition

SOME_WAIT = Condition(signal="queue_depth", op=">=", value=100, reason="fewer than 100 messages are soon worked off")

RULES = (
    # Covers: RedisDown
    alert(
        "CacheDown",
        "cache_instance_up",
        severity="page",
        kind="cause",
        cause="cache_failure",
        summary="The cache {instance} does not answer its exporter",
        description=(
            "Services fall back to the database, which then has many times its usual reads, or fail. Look at the"
            " cache's events for a failover first; protect the database before anything else."
        ),
        hold="2m",
        hold_reason="a failover to a replica is over within a minute",
    ),
    # Covers: RedisOutOfConfiguredMaxmemory
    alert(
        "CacheFull",
        "cache_memory_ratio",
        severity="page",
        kind="cause",
        cause="cache_failure",
        summary="A cache has {value} of its memory in use and evicts nothing",
        description=(
            "It refuses writes (OOM command not allowed), so sessions and locks are not kept. Find out which keys fill"
            " it; enlarge it, or let it evict where it holds nothing that must stay."
        ),
        hold="5m",
        hold_reason="keys that expire make room within their clean-up, which takes seconds",
        where=(
            Condition(
                signal="cache_evictions",
                op="<",
                value=0.01,
                reason="a cache that evicts is full by design and goes on taking writes",
            ),
        ),
    ),
    alert(
        "CacheTooSmall",
        "cache_evictions",
        level=5,
        reason="the least that the catalogue counts as a change: 300 keys a minute thrown out to make room",
        severity="ticket",
        kind="cause",
        cause="cache_failure",
        summary="A cache throws out {value} keys while many of its reads miss",
        description=(
            "What is thrown out is asked for again, and the database answers it. Enlarge the cache, or find who fills"
            " it with what nobody reads."
        ),
        hold="30m",
        hold_reason="a batch that passes through a cache is over by then",
        where=(
            Condition(
                signal="cache_hit_ratio",
                op="<=",
                value=0.8,
                reason="while four reads in five hit, what is thrown out is not missed",
            ),
        ),
    ),
    alert(
        "CacheHitRatioLow",
        "cache_hit_ratio",
        level=0.5,
        reason="most reads ask the cache in vain and then the database: slower than without it",
        severity="ticket",
        kind="cause",
        cause="cache_failure",
        summary="Only {value} of the reads hit the cache",
        description=(
            "It throws little out, so size is not why: it was flushed or restarted, or a deployment changed the keys or"
            " their expiry. The database carries the rest: watch its load."
        ),
        hold="30m",
        hold_reason="a cache that was emptied is warm again by then",
        where=(
            Condition(
                signal="cache_evictions", op="<", value=5, reason="where it evicts so much, CacheTooSmall says so"
            ),
        ),
    ),
    # Covers: RedisTooManyConnections, RedisRejectedConnections
    alert(
        "CacheConnectionsExhausted",
        "cache_clients_ratio",
        severity="page",
        kind="cause",
        cause="cache_failure",
        summary="The cache {instance}{dimension_CacheClusterId} has {value} of its connections in use",
        description=(
            "The next ones are refused, which fails requests of every service that uses it. Look for a service that"
            " opens a connection for each request, or that was just scaled out."
        ),
        hold="2m",
        hold_reason="a rolling deployment doubles connections, but only to 0.95 where there was too little room anyway",
    ),
    alert(
        "CacheBusy",
        "cache_cpu_ratio",
        severity="ticket",
        kind="cause",
        cause="cache_failure",
        summary="The one thread of the cache {instance}{dimension_CacheClusterId} is {value} busy",
        description=(
            "Every command of every service waits in line. Look at the slow log (KEYS, large ranges, Lua) and for a"
            " hot key; more cores do not help."
        ),
        hold="15m",
        hold_reason="a snapshot or a rewrite of the append-only file takes minutes",
    ),
    # Covers: RabbitmqNoQueueConsumer, RabbitmqNoConsumer
    alert(
        "QueueWithoutConsumers",
        "queue_own_consumers",
        severity="page",
        kind="cause",
        cause="messaging_failure",
        summary="Nobody takes messages of {queue}{consumergroup}, and they pile up",
        description=(
            "What users asked for there is not done, and nothing tells them. Look whether the consuming service runs,"
            " then whether the broker refuses it. Consumers that run as a nightly batch need a silence or another name."
        ),
        hold="10m",
        hold_reason="consumers are away for a minute or two during their own deployment or a rebalance",
        where=(SOME_WAIT,),
    ),
    # Covers: RabbitmqSlowQueueConsuming, KafkaConsumerLag, KafkaConsumerGroupLag
    alert(
        "QueueDelayed",
        "queue_delay",
        severity="page",
        kind="symptom",
        summary="Messages of {dimension_QueueName}{consumergroup} wait for {value}",
        description=(
            "Mails, orders or exports reach users that late. Look at the consumers' errors and at what they wait for;"
            " one message that fails again and again has the same face on SQS."
        ),
        hold="5m",
        hold_reason="the age is itself half an hour of patience; this only waits for CloudWatch's next minutes",
        keep="15m",
        keep_reason="between two batches of a slow consumer the oldest message is young for a moment",
    ),
    # Covers: RabbitmqTooManyReadyMessages, RabbitmqTooManyMessagesInQueue
    alert(
        "QueueGrowing",
        "queue_growth",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="messaging_failure",
        summary="{queue}{dimension_QueueName}{consumergroup} gets {value} messages more than are taken",
        description=(
            "It will not be worked off as things are. Compare what is sent with an hour ago, and what the consumers"
            " take: too few of them, or each too slow for what it waits for."
        ),
        hold="30m",
        hold_reason="growth is taken over half an hour: another one shows that it goes on, and 100 more wait by then",
    ),
    # Covers: RabbitmqDeadLetterQueueFillingUp
    alert(
        "DeadLetters",
        "queue_dead_letters",
        level="warn",
        severity="ticket",
        kind="symptom",
        summary="{value} messages lie in the dead-letter queue {queue}{dimension_QueueName}",
        description=(
            "Each is something that was promised to a user and given up. Read one, mend why it failed, and send them"
            " back before their retention ends."
        ),
        hold="5m",
        hold_reason="whoever sends them back takes them out within a minute or two",
    ),
)
# Left out: RedisMissingMaster, RedisTooManyMasters, RedisDisconnectedSlaves, RedisReplicationBroken,
#   RedisClusterFlapping, RedisMissingBackup, RedisOutOfSystemMemory: ElastiCache does replication, failover and
#   backup; its events tell.
# Left out: RedisNotEnoughConnections: few clients are no trouble; services that lost theirs alert themselves.
# Left out: RabbitmqTooManyUnackMessages: the prefetch of each consumer bounds it; QueueGrowing sees the harm.
# Left out: RabbitmqDown, RabbitmqNodeDown, RabbitmqClusterDown, RabbitmqClusterPartition, RabbitmqNodeNotDistributed,
#   RabbitmqOutOfMemory, RabbitmqMemoryHigh, RabbitmqFileDescriptorsUsage, RabbitmqInstancesDifferentVersions,
#   RabbitmqTooManyConnections, RabbitmqInstanceTooManyConnections, KafkaTopicsReplicas, KafkaTopicOffsetDecreased:
#   no broker is among the systems that are run here; a queue that fails shows by its delay and its consumers.
# Left out: RabbitmqTooManyConsumers, RabbitmqInactiveExchange, RabbitmqUnroutableMessages: right for one queue only.
