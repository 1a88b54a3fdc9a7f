"""Queues and streams: what waits to be consumed."""

from obskit.model import Signal, Variant

SIGNALS = (
    Signal(
        id="queue_backlog",
        topic="messaging",
        title="messages that wait",
        unit="count",
        bad="up",
        scope="shared",
        entity="messaging",
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
)
