"""Queues and streams: what waits to be consumed, and for how long."""

from __future__ import annotations

from obskit.model import Signal, Threshold, Variant

_MESSAGING = "messaging"
#: How queues are called whose messages nobody is meant to take: they wait for a person.
_DEAD = "(?i).*(dlq|dlx|dead.?letter|poison|parking.?lot).*"
_READY = "rabbitmq_queue_messages_ready"
_LAG = "kafka_consumergroup_lag"
_VISIBLE = "aws_sqs_approximate_number_of_messages_visible_average"
_AGE = "aws_sqs_approximate_age_of_oldest_message_maximum"


def _each(metric: str, label: str, *, name: str, of: str = "", dead: bool = False) -> Variant:
    """Return one number for each queue: without the dead letters, or only theirs."""
    queue = "topic" if metric == _LAG else label
    series = f'{metric}{{{queue}{"=~" if dead else "!~"}"{_DEAD}",$scope}}'
    return Variant(name=name, query=f"sum by ({label}) ({of.format(series) or series})", needs=(metric,))


def _every_broker(of: str = "") -> tuple[Variant, ...]:
    return (
        _each(_LAG, "consumergroup", name="kafka_exporter", of=of),
        _each(_READY, "queue", name="RabbitMQ", of=of),
        _each(_VISIBLE, "dimension_QueueName", name="CloudWatch exporter, SQS", of=of),
    )


SIGNALS = (
    Signal(
        id="queue_backlog",
        topic="messaging",
        title="messages that wait",
        meaning=(
            "Messages that nobody has taken yet. It grows when consumers are fewer, slower or failing, or producers send"
            " more: compare both rates, and look at the consumers' errors first."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=_MESSAGING,
        floor=100,
        variants=(
            Variant(
                name="kafka_exporter",
                query="sum by (consumergroup) (kafka_consumergroup_lag{$scope})",
                needs=("kafka_consumergroup_lag",),
            ),
            Variant(
                name="RabbitMQ",
                query="sum by (queue) (rabbitmq_queue_messages_ready{$scope})",
                needs=("rabbitmq_queue_messages_ready",),
            ),
            Variant(
                name="CloudWatch exporter, SQS",
                query="sum by (dimension_QueueName) (aws_sqs_approximate_number_of_messages_visible_average{$scope})",
                needs=("aws_sqs_approximate_number_of_messages_visible_average",),
            ),
        ),
    ),
    Signal(
        id="queue_oldest_seconds",
        topic="messaging",
        title="age of the oldest message",
        meaning=(
            "How long the oldest message of each queue has waited: the delay that users of its work feel. Rising second"
            " by second, nobody consumes; also look for one message that fails again and again."
        ),
        unit="seconds",
        bad="up",
        scope="shared",
        entity=_MESSAGING,
        combine="max",
        floor=30,
        variants=(
            Variant(
                name="CloudWatch exporter, SQS",
                query="max by (dimension_QueueName) (aws_sqs_approximate_age_of_oldest_message_maximum{$scope})",
                needs=("aws_sqs_approximate_age_of_oldest_message_maximum",),
            ),
        ),
    ),
    Signal(
        id="queue_unacknowledged",
        topic="messaging",
        title="messages taken and not confirmed",
        meaning=(
            "Messages that consumers took and have not finished. When they pile up beside the backlog, the consumers"
            " hang on something (a database, a call); when they are none, there are no consumers."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=_MESSAGING,
        floor=100,
        variants=(
            Variant(
                name="RabbitMQ",
                query="sum by (queue) (rabbitmq_queue_messages_unacked{$scope})",
                needs=("rabbitmq_queue_messages_unacked",),
            ),
            Variant(
                name="CloudWatch exporter, SQS",
                query=(
                    "sum by (dimension_QueueName) (aws_sqs_approximate_number_of_messages_not_visible_average{$scope})"
                ),
                needs=("aws_sqs_approximate_number_of_messages_not_visible_average",),
            ),
        ),
    ),
    Signal(
        id="queue_consumers",
        topic="messaging",
        title="consumers",
        meaning=(
            "Who is connected to take messages. At 0 the queue only fills: look whether the consuming service runs and"
            " whether the broker refuses it (credentials, network)."
        ),
        unit="count",
        bad="down",
        scope="shared",
        entity=_MESSAGING,
        floor=1,
        variants=(
            Variant(
                name="RabbitMQ",
                query="sum(rabbitmq_queue_consumers{$scope})",
                needs=("rabbitmq_queue_consumers",),
            ),
            Variant(
                name="kafka_exporter",
                query="sum(kafka_consumergroup_members{$scope})",
                needs=("kafka_consumergroup_members",),
            ),
        ),
    ),
    Signal(
        id="queue_depth",
        topic="messaging",
        title="messages that wait, by queue",
        meaning=(
            "Messages that nobody has taken yet, queue by queue, dead letters left out. Which queue it is says whose"
            " consumers to look at: whether they run, what they log, and what they wait for."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=_MESSAGING,
        combine="max",
        weighed=False,
        variants=_every_broker(),
    ),
    Signal(
        id="queue_growth",
        topic="messaging",
        title="growth of a queue, over half an hour",
        meaning=(
            "How many more messages come than are taken. Above 0 for long, the consumers are too few, too slow or"
            " failing: compare their errors and CPU with the rate of what is sent, and add consumers last."
        ),
        unit="per_second",
        bad="up",
        scope="shared",
        entity=_MESSAGING,
        combine="max",
        weighed=False,
        warn=Threshold(value=0.06, reason="100 messages, the fewest that matter, within the half hour that it is over"),
        variants=_every_broker("deriv({}[30m])"),
    ),
    Signal(
        id="queue_delay",
        topic="messaging",
        title="delay of a queue",
        meaning=(
            "How long a message waits before somebody takes it, dead letters left out: the delay that users feel. Kafka"
            " tells no ages; there it is what waits by what is taken, infinite when nobody takes anything."
        ),
        unit="seconds",
        bad="up",
        scope="shared",
        entity=_MESSAGING,
        combine="max",
        weighed=False,
        warn=Threshold(value=300, reason="five minutes: who waits for a mail or an export asks for it again"),
        crit=Threshold(value=1800, reason="half an hour: codes and links that were sent have run out by then"),
        variants=(
            Variant(
                name="CloudWatch exporter, SQS",
                query=f'max by (dimension_QueueName) ({_AGE}{{dimension_QueueName!~"{_DEAD}",$scope}})',
                needs=(_AGE,),
            ),
            Variant(
                name="kafka_exporter",
                query=(
                    f'sum by (consumergroup) ({_LAG}{{topic!~"{_DEAD}",$scope}}) / sum by (consumergroup)'
                    f' (rate(kafka_consumergroup_current_offset{{topic!~"{_DEAD}",$scope}}[$rate]))'
                ),
                needs=(_LAG, "kafka_consumergroup_current_offset"),
            ),
        ),
    ),
    Signal(
        id="queue_own_consumers",
        topic="messaging",
        title="consumers of a queue",
        meaning=(
            "Who is connected to take messages of a queue, or is a member of a group. At 0 it only fills: look whether"
            " the consuming service runs and whether the broker refuses it (credentials, network)."
        ),
        unit="count",
        bad="down",
        scope="shared",
        entity=_MESSAGING,
        combine="min",
        weighed=False,
        crit=Threshold(value=0.5, reason="it is a whole number: nobody takes anything"),
        variants=(
            _each("rabbitmq_queue_consumers", "queue", name="RabbitMQ"),
            Variant(
                name="kafka_exporter",
                query="sum by (consumergroup) (kafka_consumergroup_members{$scope})",
                needs=("kafka_consumergroup_members",),
            ),
        ),
    ),
    Signal(
        id="queue_dead_letters",
        topic="messaging",
        title="dead letters",
        meaning=(
            "Messages that were tried until the limit and put aside; queues are known by their name (dlq, dead-letter)."
            " Each is work that a user was promised: read one, mend its reason, send them back."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=_MESSAGING,
        combine="max",
        weighed=False,
        warn=Threshold(value=1, reason="one message is one thing that was promised and not done"),
        variants=(
            _each(_VISIBLE, "dimension_QueueName", name="CloudWatch exporter, SQS", dead=True),
            _each(_READY, "queue", name="RabbitMQ", dead=True),
        ),
    ),
)
