"""How others speak to the supervisor: one JSON line each way over a Unix socket that only its owner can reach."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from obskit.errors import SourceError, UsageError
from obskit.lab.host import Host, now

if TYPE_CHECKING:
    from obskit.lab.supervisor import Supervisor

_MOST_BYTES: Final = 2**20
_ASK_SECONDS: Final = 90.0
Obey = Callable[[str, Mapping[str, Any]], Awaitable[Any]]


async def serve(path: Path, obey: Obey) -> asyncio.Server:
    """Listen.

    Args:
        path: Of the socket; its folder lets nobody else in.
        obey: Called with a request's name and what comes with it; what it returns is the answer.
    """

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = json.loads(await reader.readline())
            try:
                answer = {"result": await obey(asked.pop("do"), asked)}
            except (ValueError, KeyError, OSError) as error:
                answer = {"error": str(error) or type(error).__name__}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except (OSError, ValueError, KeyError):
            pass
        finally:
            writer.close()

    return await asyncio.start_unix_server(connected, path, limit=_MOST_BYTES)


def ask(path: Path, name: str, **more: Any) -> Any:
    """Ask the supervisor and return its answer.

    Raises:
        SourceError: It cannot be reached, or did not answer.
        UsageError: It refuses; with its words.
    """
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(_ASK_SECONDS)
            line.connect(str(path))
            line.sendall(json.dumps({"do": name, **more}).encode() + b"\n")
            with line.makefile("rb") as file:
                answer = json.loads(file.readline())
    except (OSError, ValueError) as error:
        said = {"asked": name, "said": str(error)}
        raise SourceError("the lab does not answer", where=said, hint="obskit lab status") from error
    if "error" in answer:
        raise UsageError(f"the lab refuses: {answer['error']}", where={"asked": name})
    return answer["result"]


async def obey(lab: Supervisor, name: str, more: Mapping[str, Any]) -> Any:
    """Do what is asked.

    ======== ====================================== =========================================================
    request  with                                   does
    ======== ====================================== =========================================================
    status                                          returns services, tasks, faults, load
    release  service, environment, command, …       rolls out a revision (`Host.release`)
    scale    service, desired                       wants so many tasks
    stop     service, task, reason                  stops a task as StopTask does
    break    service, fault, strength, target,      switches a fault of the application on
             tasks
    mend     service, fault                         and off
    load     factor                                 multiplies the users
    shipping on                                     stops or resumes the collection of lines
    database on                                     stops or starts PostgreSQL
    jobs     count                                  runs so many batch jobs beside the services
    certify  days                                   gives the payment service another certificate
    note     fault, strength                        remembers what was injected; no strength forgets it
    ======== ====================================== =========================================================

    Raises:
        ValueError, KeyError: It makes no sense.
    """
    if name == "status":
        return _status(lab)
    if name == "load":
        lab.load.factor = max(0.0, float(more["factor"]))
    elif name == "shipping":
        lab.collector.shipping = bool(more["on"])
    elif name == "database":
        await lab.servers.set_database(on=bool(more["on"]))
    elif name == "jobs":
        await lab.servers.set_jobs(int(more["count"]))
    elif name == "certify":
        lab.certify(float(more["days"]))
    elif name == "note":
        lab.injected.pop(more["fault"], None)
        if more.get("strength"):
            lab.injected[more["fault"]] = str(more["strength"])
    else:
        return await _of_service(lab.hosts[more["service"]], name, more)
    return None


async def _of_service(host: Host, name: str, more: Mapping[str, Any]) -> Any:
    if name == "release":
        return host.release(more)
    if name == "scale":
        return host.service.scale(int(more["desired"]), now())
    if name == "stop":
        return host.service.stop(more["task"], now(), str(more.get("reason") or "Task stopped by user"))
    if name == "break":
        wish = {"strength": more.get("strength"), "target": more.get("target", "")}
        return await host.break_it(more["fault"], wish, str(more.get("tasks") or "all"))
    if name == "mend":
        return await host.mend(more["fault"])
    raise ValueError(f"nobody knows how to {name}")


def _status(lab: Supervisor) -> dict[str, Any]:
    counted = getattr(lab, "load", None)
    return {
        "services": {name: _service(host) for name, host in lab.hosts.items()},
        "load": {"factor": counted.factor, "sent": counted.counted.sent, "failed": counted.counted.failed}
        if counted
        else {},
        "shipping": lab.collector.shipping,
        "injected": dict(lab.injected),
    }


def _service(host: Host) -> dict[str, Any]:
    service = host.service
    return {
        "desired": service.desired,
        "steady": service.steady,
        "revision": service.primary.revision.name,
        "deployment": service.primary.state,
        "faults": {name: fault["tasks"] for name, fault in host.faults.items()},
        "tasks": [
            {
                "id": task.id,
                "status": task.status,
                "health": task.health,
                "revision": task.revision.name,
                "port": task.port,
                "pid": host.pid(task.id),
            }
            for task in service.alive
        ],
    }
