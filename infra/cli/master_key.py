"""`kolaj credentials rotate-master`: everything sealed is brought under the newest master key."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from agents.sealing import Seal
from agents.vault.card_rewrap import Cards
from agents.vault.master_keys import MasterKeys
from agents.vault.parked import ParkedRecords
from agents.vault.rotation import BATCH, Step, rotate_master
from agents.vault.subject_rewrap import SubjectKeys
from infra.cli.by_hand import By, event_of, named
from infra.cli.credential_desk import desk_of
from infra.cli.failing import Failed
from infra.cli.output import Json, emit, run, say
from infra.settings import Settings, read_settings
from schemas.credential_events import MasterKeyRotated
from schemas.envelope import rfc3339
from streams.publisher import Publisher


def rotate_master_command(
    *,
    by: By,
    batch: Annotated[int, typer.Option("--batch", min=1, max=10_000, help="Values in one transaction.")] = BATCH,
    json: Annotated[bool, Json] = False,
) -> None:
    """Bring everything under INTEGRATION_ENCRYPTION_KEY, while workers go on. Run it again if it was interrupted.

    Give the new key to every process first: as a retired one, then as the key with the old one retired.
    """
    last = run(_rotate_master(read_settings(), named(by, "--by"), batch, json=json))
    if last.left:
        raise Failed(
            f"{last.left} values came under older keys meanwhile; give the new key to all workers, run it again"
        )
    if not json:
        told = f"nothing is under {', '.join(last.retired)} any more" if last.retired else "nothing was left to do"
        say(f"done; {told}")


async def _rotate_master(settings: Settings, by: str, batch: int, *, json: bool) -> Step:
    last = Step("", 0, 0)
    async with desk_of(settings) as desk, Publisher(settings.kafka, client_id="kolaj-operator") as publisher:
        parked = ParkedRecords(desk.ledger, Seal(desk.ring))
        # Cards come last: workers go on to take them up, and few are left when it is counted.
        everything = (desk.store, SubjectKeys(desk.vault, desk.ring), parked, Cards(desk.vault, desk.ring))
        async for step in rotate_master(everything, desk.ring, MasterKeys(desk.vault), batch=batch):
            last, at = step, datetime.now(UTC)
            fact = MasterKeyRotated(
                key_id=desk.ring.primary_id,
                what=step.what or "everything",
                rewrapped=step.rewrapped,
                left=step.left,
                retired=step.retired,
                rotated_by=by,
                rotated_at=at,
            )
            key = desk.ring.primary_id
            await publisher.publish([event_of(settings, fact, key, f"{fact.type}/{key}/{rfc3339(at)}")])
            if json:
                emit(fact.model_dump(mode="json"))
            elif step.what:
                say(f"{step.what}: {step.rewrapped} rewrapped, {step.left} left")
    return last
