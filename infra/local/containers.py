"""The same stack in containers, for machines with a Docker engine. Not exercised where there is none, so kept small."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from infra.local.errors import LocalStackError

KAFKA_IMAGE = "confluentinc/cp-kafka:8.1.0"
POSTGRES_IMAGE = "postgres:18"


@asynccontextmanager
async def container_stack() -> AsyncIterator[tuple[str, str]]:
    """Bootstrap address and database URL of two fresh containers, removed afterwards.

    Raises:
        LocalStackError: The `testcontainers` package is not installed, or no container can be started.
    """
    try:
        from testcontainers.community.kafka import KafkaContainer  # noqa: PLC0415 (a package of the dev extra only)
        from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415
    except ImportError as error:
        raise LocalStackError("KOLAJ_TEST_STACK=testcontainers needs the testcontainers package: make setup") from error
    stops: list[Callable[[], object]] = []
    try:
        try:
            kafka = KafkaContainer(KAFKA_IMAGE).with_kraft().with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
            stops.append(kafka.stop)
            await asyncio.to_thread(kafka.start)
            postgres = PostgresContainer(POSTGRES_IMAGE, username="kolaj", dbname="kolaj", driver=None)
            stops.append(postgres.stop)
            await asyncio.to_thread(postgres.start)
        except Exception as error:
            raise LocalStackError(f"no containers could be started; is a Docker engine running? ({error})") from error
        yield kafka.get_bootstrap_server(), postgres.get_connection_url()
    finally:
        for stop in reversed(stops):
            await asyncio.to_thread(stop)
