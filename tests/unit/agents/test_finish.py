"""What a command came to is told once, whatever becomes of the card that paid."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from agents.ledger import StoredResult
from agents.payments.finish import Finisher
from agents.payments.records import PaymentRecords
from schemas.errors import StoreError
from schemas.ids import new_id
from schemas.payments import CardRef
from streams.codec import Outgoing
from streams.topics import Topics
from tests.unit.agents.works import a_work

TOPICS = Topics("t", 1)


class Log:
    def __init__(self) -> None:
        self.records: list[Outgoing] = []

    async def publish(self, records: Sequence[Outgoing]) -> None:
        self.records += records


class Vault:
    async def discard(self, _: object) -> None:
        raise StoreError("the vault's account is locked")


async def test_a_vault_that_fails_does_not_have_a_result_told_again_and_again() -> None:
    log: Any = Log()
    vault: Any = Vault()
    finisher = Finisher(
        ledger=None,  # type: ignore[arg-type]
        publisher=log,
        topics=TOPICS,
        records=PaymentRecords(TOPICS),
        cards=vault,
        now=lambda: datetime.now(UTC),
    )
    await finisher.again(a_work(method=CardRef(kind="card_ref", card_ref=new_id())), StoredResult(b"{}", ()), None)
    assert [record.value for record in log.records] == [b"{}"]
