"""What a Grafana reads at its start: data sources, a dashboard provider, contact points, dashboards.

The files lie as Grafana's image wants them below ``/etc/grafana``. Addresses and secrets are
written as ``$__env{NAME}``, which Grafana fills in from its own environment when it starts, so
that one set of files serves every environment and holds no secret.

A dashboard that comes from a file cannot be saved through the API: give a Grafana its
dashboards this way or by ``obskit dashboards push``, not both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from obskit.ascode.build import as_text
from obskit.ascode.definition import Definition
from obskit.settings import Settings

#: Where Grafana's image looks for dashboards that a provider names; ours to choose.
DASHBOARD_FOLDER = "/etc/grafana/dashboards"
#: The uids by which rules and links name the data sources.
PROMETHEUS_UID, LOKI_UID = "prometheus", "loki"
#: What Prometheus scrapes at, the stack's too; `$__rate_interval` is at least four of these.
SCRAPE_INTERVAL = "15s"
#: Of the contact point that Grafana's own alerts are posted to.
RECEIVER = "obskit"


def files(definitions: Sequence[Definition], settings: Settings, *, alerting: bool = False) -> dict[str, str]:
    """Return each file's text by its path below ``/etc/grafana``; same input, same bytes.

    Args:
        definitions: The dashboards.
        settings: The folder's title.
        alerting: Also a contact point, a webhook whose address is ``OBSKIT_RECEIVER_URL`` in Grafana's
            environment, and the notification policy that leads to it. A provisioned policy replaces the
            organisation's whole tree, so it is not written unasked.
    """
    return {
        "provisioning/datasources/obskit.yaml": _yaml(_data_sources()),
        "provisioning/dashboards/obskit.yaml": _yaml(_provider(settings.dashboards.folder)),
        **({"provisioning/alerting/obskit.yaml": _yaml(_alerting())} if alerting else {}),
        **{f"dashboards/{d.name}.json": as_text(d.model) for d in definitions},
    }


def _data_sources() -> dict[str, Any]:
    return {
        "apiVersion": 1,
        "prune": True,
        "datasources": [
            {
                "name": "Prometheus",
                "uid": PROMETHEUS_UID,
                "type": "prometheus",
                "access": "proxy",
                "url": "$__env{OBSKIT_PROMETHEUS_URL}",
                "isDefault": True,
                "editable": False,
                "jsonData": {
                    "httpMethod": "POST",
                    "timeInterval": SCRAPE_INTERVAL,
                    "prometheusType": "Prometheus",
                    "manageAlerts": False,
                },
            },
            {
                "name": "Loki",
                "uid": LOKI_UID,
                "type": "loki",
                "access": "proxy",
                "url": "$__env{OBSKIT_LOKI_URL}",
                "editable": False,
                "jsonData": {"maxLines": 1000, "manageAlerts": False},
            },
        ],
    }


def _provider(folder: str) -> dict[str, Any]:
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "obskit",
                "type": "file",
                "folder": folder,
                "allowUiUpdates": False,
                "disableDeletion": False,
                "updateIntervalSeconds": 30,
                "options": {"path": DASHBOARD_FOLDER, "foldersFromFilesStructure": False},
            }
        ],
    }


def _alerting() -> dict[str, Any]:
    """Return where Grafana's own alerts go: all to one webhook, which whoever runs Grafana names."""
    return {
        "apiVersion": 1,
        "contactPoints": [
            {
                "orgId": 1,
                "name": RECEIVER,
                "receivers": [
                    {
                        "uid": RECEIVER,
                        "type": "webhook",
                        "settings": {"url": "$__env{OBSKIT_RECEIVER_URL}", "httpMethod": "POST"},
                        "disableResolveMessage": False,
                    }
                ],
            }
        ],
        "policies": [
            {
                "orgId": 1,
                "receiver": RECEIVER,
                "group_by": ["grafana_folder", "alertname"],
                "group_wait": "30s",
                "group_interval": "5m",
                "repeat_interval": "4h",
            }
        ],
    }


def _yaml(document: dict[str, Any]) -> str:
    import yaml

    return "# Written by obskit dashboards provision.\n" + yaml.safe_dump(document, sort_keys=False, width=120)
