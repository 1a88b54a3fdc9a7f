"""Real servers for tests: Debian's Prometheus, Alertmanager and Node Exporter on free loopback ports.

A test that wants one is skipped, with the reason, where the program is not installed.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

#: A sample with exactly these bits tells Prometheus that the series ended here.
STALE_BITS = 0x7FF0000000000002
STALE: float = struct.unpack("<d", struct.pack("<Q", STALE_BITS))[0]

START_SECONDS = 20.0
STOP_SECONDS = 5.0
POLL_SECONDS = 0.05
REQUEST_SECONDS = 30.0
#: Samples in one remote write: some MB, far below what a server refuses.
BATCH_SAMPLES = 100_000

Labels = dict[str, str]
Samples = list[tuple[int, float]]
LabelKey = tuple[tuple[str, str], ...]

#: A recorded incident arrives after the fact, and series by series.
_STORAGE = {"tsdb": {"out_of_order_time_window": "10y"}}

_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"')
_ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}


def free_port() -> int:
    """Return a loopback TCP port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _varint(number: int) -> bytes:
    """Return a protobuf varint; negative numbers take their 64-bit two's complement."""
    number &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _delimited(tag: int, body: bytes) -> bytes:
    """Return a length-delimited protobuf field."""
    return _varint(tag << 3 | 2) + _varint(len(body)) + body


def _sample(milliseconds: int, value: float) -> bytes:
    # Field 1 is a fixed 64-bit double, field 2 a varint. struct would quieten no NaN: the
    # stale mark's bits pass unchanged on every machine that Python runs on but 32-bit x86.
    return _delimited(2, b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(milliseconds))


def encode_series(labels: Labels, samples: Samples) -> bytes:
    """Return one series as a field of a remote-write request: labels by name, samples by time."""
    pairs = (_delimited(1, key.encode()) + _delimited(2, value.encode()) for key, value in sorted(labels.items()))
    body = b"".join(_delimited(1, pair) for pair in pairs)
    body += b"".join(_sample(at, value) for at, value in sorted(samples, key=lambda sample: sample[0]))
    return _delimited(1, body)


def snappy(body: bytes) -> bytes:
    """Return the body in snappy's block format, as literals only: valid, but not smaller."""
    out = [_varint(len(body))]
    for start in range(0, len(body), 0x10000):
        piece = body[start : start + 0x10000]
        # 61 in the upper six bits says: a literal whose length - 1 follows in two bytes.
        out += [bytes([61 << 2]), struct.pack("<H", len(piece) - 1), piece]
    return b"".join(out)


def read_openmetrics(path: Path, stale_path: Path | None = None) -> Iterator[tuple[Labels, Samples]]:
    """Yield the series of a gzipped OpenMetrics file, with their staleness marks.

    Args:
        path: ``name{labels} value seconds`` a line.
        stale_path: Gzipped JSON lines ``{"metric": labels, "t": seconds}``: where a series ended.
    """
    samples: dict[LabelKey, Samples] = defaultdict(list)
    heads: dict[str, LabelKey] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("#"):
                continue
            head, value, seconds = line.rstrip("\n").rsplit(" ", 2)
            key = heads.get(head) or heads.setdefault(head, _key(head))
            samples[key].append((round(float(seconds) * 1000), float(value)))
    if stale_path is not None:
        with gzip.open(stale_path, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                samples[tuple(sorted(row["metric"].items()))].append((round(row["t"] * 1000), STALE))
    for key, points in samples.items():
        yield dict(key), points


def labels_of(head: str) -> Labels:
    """Return the labels of a series as the text formats write it, ``name{label="value"}``, its name among them."""
    name, _, inside = head.partition("{")
    labels = {key: re.sub(r'\\[n"\\]', lambda m: _ESCAPES[m.group()], value) for key, value in _LABEL.findall(inside)}
    return {**labels, "__name__": name}


def _key(head: str) -> LabelKey:
    return tuple(sorted(labels_of(head).items()))


class _Server:
    """A program that listens on a loopback port for as long as the context lasts."""

    program = ""
    #: Answers 200 from the moment on that the server can be used.
    ready_path = "/-/ready"

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = Path()
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """Return the arguments after the program's name; may write files into ``folder``."""
        raise TypeError(f"{type(self).__name__} names no command")

    def __enter__(self) -> Self:
        binary = shutil.which(self.program)
        if binary is None:
            pytest.skip(f"{self.program} is not installed")
        self.folder = Path(tempfile.mkdtemp(prefix=f"obskit-{self.program}-"))
        try:
            with (self.folder / "log").open("wb") as log:
                self._process = subprocess.Popen([binary, *self.command()], stdout=log, stderr=log, cwd=self.folder)
            self._wait(self._process)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"{self.url}{self.ready_path}", timeout=1):
                    return
            except OSError:  # refused, reset, or 503 until it is ready
                pass
            try:
                process.wait(POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                continue
        raise RuntimeError(
            f"{self.program} did not start:\n{(self.folder / 'log').read_text(errors='replace')[-2000:]}"
        )

    def _stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class PrometheusServer(_Server):
    """Debian's Prometheus with nothing to scrape; series arrive by remote write.

    Attributes:
        url: ``http://127.0.0.1:PORT``.
        folder: Its data and log; removed afterwards.
    """

    program = "prometheus"

    def command(self) -> list[str]:
        """Write an empty configuration and return the arguments."""
        config = self.folder / "prometheus.yml"
        config.write_text(json.dumps({"storage": _STORAGE}), encoding="utf-8")  # JSON is YAML
        return [
            f"--config.file={config}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            "--storage.tsdb.retention.time=10y",
            "--web.enable-remote-write-receiver",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]

    def write(self, series: Iterable[tuple[Labels, Samples]]) -> None:
        """Store series by remote write.

        Args:
            series: Labels with ``__name__``, and (milliseconds since the epoch, value) points
                in any order; `STALE` as a value ends the series there.

        Raises:
            RuntimeError: Prometheus refused them; with its words.
        """
        batch, size = [], 0
        for labels, samples in series:
            batch.append(encode_series(labels, samples))
            size += len(samples)
            if size >= BATCH_SAMPLES:
                self._post(b"".join(batch))
                batch, size = [], 0
        if batch:
            self._post(b"".join(batch))

    def load_openmetrics(self, path: Path, stale_path: Path | None = None) -> None:
        """Store a recorded incident's series, with the marks of those that ended."""
        self.write(read_openmetrics(path, stale_path))

    def _post(self, body: bytes) -> None:
        headers = {
            "Content-Type": "application/x-protobuf",
            "Content-Encoding": "snappy",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        }
        request = urllib.request.Request(f"{self.url}/api/v1/write", snappy(body), headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_SECONDS):
                pass
        except urllib.error.HTTPError as error:
            with error:
                raise RuntimeError(f"remote write: {error.code} {error.read(500)!r}") from error


class WatchingServer(PrometheusServer):
    """A Prometheus that scrapes itself and others, evaluates rules, notifies, and forwards to itself.

    What it forwards is one renamed series, so that what arrives is not forwarded again.

    Args:
        targets: Job to ``http://HOST:PORT``, besides its own ``prometheus``; labelled with the cluster.
        alertmanager: Where it sends the alert that always fires.
        cluster: Value of the label ``cluster`` of all that it scrapes.
        groups: Further rule groups, as rule files have them; evaluated every two seconds.
    """

    def __init__(
        self,
        targets: Mapping[str, str],
        *,
        alertmanager: str,
        cluster: str,
        groups: Iterable[Mapping[str, object]] = (),
    ) -> None:
        super().__init__()
        self._groups = [{**group, "interval": "2s"} for group in groups]
        self._targets = {"prometheus": self.url, **targets}
        self._alertmanager = alertmanager
        self._cluster = cluster

    def command(self) -> list[str]:
        """Write its configuration and its rules, and return the arguments."""
        arguments = super().command()
        jobs = [{"job_name": job, "static_configs": [self._at(url)]} for job, url in self._targets.items()]
        kept = {"source_labels": ["__name__"], "regex": "scrape_samples_scraped", "action": "keep"}
        renamed = {"source_labels": ["__name__"], "target_label": "__name__", "replacement": "forwarded"}
        config = {
            "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"},
            "rule_files": ["rules.yml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [_host(self._alertmanager)]}]}]},
            "scrape_configs": jobs,
            "remote_write": [
                {
                    "url": f"{self.url}/api/v1/write",
                    "queue_config": {"batch_send_deadline": "100ms"},
                    "write_relabel_configs": [kept, renamed],
                }
            ],
            "storage": _STORAGE,
        }
        rules = [{"alert": "Always", "expr": "vector(1)"}, {"record": "job:up:sum", "expr": "sum by (job) (up)"}]
        # JSON is YAML.
        (self.folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
        (self.folder / "rules.yml").write_text(
            json.dumps({"groups": [{"name": "own", "rules": rules}, *self._groups]}), "utf-8"
        )
        # It forwards to itself, so that at its end nobody takes what is left.
        return [*arguments, "--storage.remote.flush-deadline=100ms"]

    def until(self, query: str) -> None:
        """Ask again and again until a query has an answer.

        Raises:
            RuntimeError: It has none after `START_SECONDS`, or Prometheus ended.
        """
        assert self._process is not None
        address = f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            with urllib.request.urlopen(address, timeout=REQUEST_SECONDS) as reply:
                if json.load(reply)["data"]["result"]:
                    return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(POLL_SECONDS)
                break
        raise RuntimeError(f"no answer to {query}:\n{(self.folder / 'log').read_text(errors='replace')[-2000:]}")

    def _at(self, url: str) -> dict[str, object]:
        return {"targets": [_host(url)], "labels": {"cluster": self._cluster}}


def _host(url: str) -> str:
    return url.removeprefix("http://")


class NodeExporterServer(_Server):
    """Debian's Node Exporter, which tells of the machine that the tests run on."""

    program = "prometheus-node-exporter"
    ready_path = "/"

    def command(self) -> list[str]:
        """Return the arguments."""
        return [f"--web.listen-address=127.0.0.1:{self.port}"]


class AlertmanagerServer(_Server):
    """Debian's Alertmanager that sends every alert to one webhook at once.

    Args:
        webhook_url: Where it posts to.
    """

    program = "prometheus-alertmanager"

    def __init__(self, webhook_url: str) -> None:
        super().__init__()
        self._webhook_url = webhook_url

    def command(self) -> list[str]:
        """Write the configuration and return the arguments."""
        config = self.folder / "alertmanager.yml"
        route = {"receiver": "obskit", "group_by": ["alertname"], "group_wait": "0s", "group_interval": "1s"}
        receivers = [{"name": "obskit", "webhook_configs": [{"url": self._webhook_url, "send_resolved": True}]}]
        config.write_text(json.dumps({"route": route, "receivers": receivers}), encoding="utf-8")  # JSON is YAML
        return [
            f"--config.file={config}",
            f"--storage.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",  # no gossip: a lone server
        ]
