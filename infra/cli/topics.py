"""`kolaj topics`."""

from typing import Annotated

import typer

from infra.cli.failing import Failed
from infra.cli.output import Json, emit, run, say
from infra.settings import Settings, read_settings
from infra.topics import prepare_topics
from streams.admin import check_topics, missing_topics
from streams.environment import environment_of

app = typer.Typer()


@app.command()
def topics(
    *,
    check: Annotated[bool, typer.Option("--check", help="Only look; exit code 1 when one is missing.")] = False,
    json: Annotated[bool, Json] = False,
) -> None:
    """Create the topics that are missing, and mark them as this environment's.

    Workers and projectors do so at their start too, where Kafka lets them; else they need topics that are there.
    """
    settings = read_settings(database=False)
    found = run(_missing(settings) if check else prepare_topics(settings))
    if json:
        emit({"missing" if check else "created": found})
    else:
        say("\n".join(found) if found else "every topic is there")
    if check and found:
        raise Failed(f"{len(found)} topics are missing; `kolaj topics` creates them")


async def _missing(settings: Settings) -> list[str]:
    wanted = settings.topics.all()
    missing = await missing_topics(settings.kafka, wanted)
    there = [topic for topic in wanted if topic.name not in missing]
    await check_topics(settings.kafka, there, replication=settings.replication, min_insync=settings.min_insync)
    if await environment_of(settings.kafka, settings.topic_prefix) is None:
        missing.append(settings.topics_name("environment"))
    return missing
