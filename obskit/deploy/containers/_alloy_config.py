"""Alloy's configuration: lines from routers, and ECS' events from CloudWatch, both to Loki.

The labels are ``service``, ``task_id``, ``cluster``, ``container`` and ``level``; of events ``log_group`` and
``cluster``. Whatever begins with ``__`` Alloy drops before it writes, so that the label by which lambda-promtail
names a log group cannot be had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from obskit.deploy.containers import _targets

if TYPE_CHECKING:
    from obskit.deploy.spec import StackSpec

#: What the init container replaces by the time half an hour before the task's start: without it Alloy would
#: read the log group from its beginning. What Loki has already, it takes no second time.
START_FROM: Final = "START_FROM"
START_MINUTES: Final = 30
#: Levels as loggers name them, where a line says so in capitals near its beginning: ``2025-06-01 ERROR …``.
SPOKEN: Final = r"^[^{]{0,80}?\b(?P<level>TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|PANIC)\b"
#: … and where it has a field for it, in JSON or logfmt: ``"level":"error"``, ``level=error``.
FIELD: Final = (
    r'(?i)\b(?:level|levelname|lvl|severity)"?\s*[=:]\s*"?'
    r"(?P<level>trace|debug|info|notice|warn|warning|error|critical|fatal|panic)\b"
)

_ROUTED: Final = """\
loki.source.api "routers" {
  http {
    listen_address = "0.0.0.0"
    listen_port    = %(port)d
  }
  use_incoming_timestamp = true
  forward_to             = [loki.process.routers.receiver]
}

loki.process "routers" {
  stage.json {
    expressions = { line = "log", task_arn = "ecs_task_arn" }
  }
  stage.regex {
    source     = "task_arn"
    expression = `/(?P<task_id>[^/]+)$`
  }
  stage.regex {
    source     = "line"
    expression = `%(spoken)s`
  }
  stage.regex {
    source     = "line"
    expression = `%(field)s`
  }
  stage.template {
    source   = "level"
    template = `{{ $level := ToLower .Value }}{{ if eq $level "warning" }}warn{{ else }}{{ $level }}{{ end }}`
  }
  stage.labels {
    values = { level = "", task_id = "" }
  }
  stage.output {
    source = "line"
  }
  forward_to = [loki.write.loki.receiver]
}
"""

_EVENTS: Final = """\
otelcol.receiver.awscloudwatch "events" {
  region = sys.env("AWS_REGION")
  logs {
    poll_interval = "1m"
    start_from    = "@%(start_from)s@"
    groups {
      named {
        group_name = sys.env("EVENTS_LOG_GROUP")
      }
    }
  }
  output {
    logs = [otelcol.exporter.loki.events.input]
  }
}

otelcol.exporter.loki "events" {
  forward_to = [loki.process.events.receiver]
}

loki.process "events" {
  stage.json {
    expressions = { event = "body" }
  }
  stage.output {
    source = "event"
  }
  stage.label_drop {
    values = ["exporter"]
  }
  stage.static_labels {
    values = { cluster = "%(cluster)s", log_group = sys.env("EVENTS_LOG_GROUP") }
  }
  forward_to = [loki.write.loki.receiver]
}
"""

_WRITE: Final = """\
loki.write "loki" {
  endpoint {
    url = "http://loki.%(namespace)s:%(loki)d/loki/api/v1/push"
  }
}
"""

_OWN: Final = """\
// Written by obskit deploy.
logging {
  level  = "warn"
  format = "logfmt"
}
"""


def config(spec: StackSpec) -> str:
    """Return the configuration; Alloy's own lines go to CloudWatch and nowhere else."""
    values = {
        "port": _targets.ALLOY_LOGS_PORT,
        "spoken": SPOKEN,
        "field": FIELD,
        "start_from": START_FROM,
        "cluster": spec.name,
        "namespace": spec.namespace,
        "loki": _targets.WATCHER_PORTS["loki"],
    }
    return "\n".join(part % values for part in (_OWN, _ROUTED, _EVENTS, _WRITE))
