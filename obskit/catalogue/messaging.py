"""Queues and streams: what waits to be consumed, and for how long."""

from __future__ import annotations

from obskit.model import Signal, Variant

_MESSAGING = "messaging"

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
                query="sum(kafka_consumergroup_lag{$scope})",
                needs=("kafka_consumergroup_lag",),
            ),
            Variant(
                name="RabbitMQ",
                query="sum(rabbitmq_queue_messages_ready{$scope})",
                needs=("rabbitmq_queue_messages_ready",),
            ),
            Variant(
                name="CloudWatch exporter, SQS",
                query="sum(aws_sqs_approximate_number_of_messages_visible_average{$scope})",
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
)
