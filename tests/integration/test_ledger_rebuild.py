"""The ledger made anew from the log: the same row by row, and whatever is handed in again moves no money twice."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from agents.ledger import Ask, Claim, ClaimStatus, Ledger, Sending
from agents.log_check import check_not_behind
from agents.payments.records import PaymentRecords
from agents.pool import open_pool
from agents.rebuild import Hub as Rebuilding
from agents.rebuild import Rebuilt, rebuild
from infra.cli import ledger as command_line
from infra.local import LocalStack
from infra.sandbox.iyzico import FaultKind, FaultOrder, running_sandbox
from schemas.errors import LedgerReplaced, SettingsError
from schemas.ids import new_id
from schemas.payments import CommandUnknown, CreatePayment, Payment, PaymentCommand, PaymentCreated
from schemas.routing import Routed
from streams.codec import Outgoing, digest
from streams.groups import members
from streams.publisher import Publisher
from tests.acceptance.banking import a_start
from tests.acceptance.orders import Orders, a_payment
from tests.builders import (
    a_cancel_payment,
    a_capture_payment,
    a_query_payment,
    a_refund_payment,
    a_take_notice,
    an_envelope,
    lira,
)
from tests.hub import DOWN, INTEGRATION, Hub, running_hub

SECOND = "iyzico-second"

COMMANDS = """
    select command_id, key, command_type, digest, state, result_value, result_headers::text, first_sent_at is not null
    from ledger.commands order by 1
"""
ATTEMPTS = "select command_id, number, integration_id, reference, request_digest from ledger.attempts order by 1, 2"
DEADLINES = "select key, command_id, at from ledger.deadlines order by 1"
KEYS = "select key, open_command, owner, parked, state from ledger.keys order by 1"


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str, port: int) -> AsyncIterator[Hub]:
    """No worker yet: the ledger is rebuilt while none runs."""
    async with running_hub(
        stack.bootstrap,
        database_url,
        topic_prefix,
        integrations=(INTEGRATION, SECOND),
        down_at=port,
        overrides={"KOLAJ_UNKNOWN_AFTER_S": "6"},
        absence_s=3,
        workers=0,
        projectors=0,
    ) as running:
        yield running


async def tables(hub: Hub) -> dict[str, list[tuple[Any, ...]]]:
    async with hub.database() as database:
        queries = {"commands": COMMANDS, "attempts": ATTEMPTS, "keys": KEYS, "deadlines": DEADLINES}
        return {name: [tuple(row) for row in await database.fetch(query)] for name, query in queries.items()}


async def rebuilt(hub: Hub) -> Rebuilt:
    await all_left(hub)
    return await command_line._rebuild(hub.settings)


async def all_left(hub: Hub) -> None:
    """Returns once the groups are empty: a worker that stops in the middle of a rebalance is a member for a while."""
    groups = command_line.worker_groups(hub.settings)
    async with asyncio.timeout(90):
        while any((await members(hub.settings.kafka, groups)).values()):
            continue


def booked(hub: Hub) -> Counter[str | None]:
    """How often each reference stands in the providers' books."""
    found: Counter[str | None] = Counter()
    for sandbox in hub.sandboxes.values():
        for entry in sandbox.books.entries():
            found[entry.conversation_id] += 1
            found.update(reversal.conversation_id for reversal in entry.reversals)
            found.update([entry.capture_conversation_id] if entry.capture_conversation_id else [])
    return found


def small_refund(payment: CreatePayment) -> PaymentCommand:
    return a_refund_payment(payment.payment_id, lira("1.00"))


def a_day(hub: Hub) -> dict[UUID, Outgoing]:
    """Payments of every kind with what follows them, some of it refused."""
    orders = Orders(hub)
    records: dict[UUID, Outgoing] = {}
    chosen = random.Random(7)  # noqa: S311 - no secret
    for _ in range(40):
        integration = chosen.choice((INTEGRATION, SECOND))
        payment = a_payment(lira("20.00"), integration_id=integration, capture=chosen.choice(("auto", "manual")))
        followers: Sequence[PaymentCommand] = chosen.choice(
            (
                (),
                (a_refund_payment(payment.payment_id, lira("4.00")), a_refund_payment(payment.payment_id)),
                (
                    a_capture_payment(payment.payment_id, lira("15.00")),
                    a_refund_payment(payment.payment_id, lira("1.00")),
                ),
                (a_cancel_payment(payment.payment_id), a_refund_payment(payment.payment_id, lira("1.00"))),
                (a_query_payment(payment.payment_id), a_payment(payment_id=payment.payment_id)),
            )
        )
        for command in (payment, *followers):
            command_id = new_id()
            records[command_id] = orders.record(command, command_id)
    reviewed = a_payment(order_id="fault-review_approve-0.2s-told")
    heard: list[PaymentCommand] = [
        a_take_notice(reviewed.payment_id, event_id=f"event-{said}", said=said) for said in ("captured", "pending")
    ]
    for told in [reviewed, *heard, a_start()]:
        command_id = new_id()
        records[command_id] = orders.record(told, command_id)
    return records


def order_faults(hub: Hub) -> None:
    kinds = (
        FaultKind.ERROR_AFTER,
        FaultKind.RESET_AFTER,
        FaultKind.GARBAGE,
        FaultKind.RESET_BEFORE,
        FaultKind.TOO_MANY,
    )
    for kind in kinds:
        for path in ("/payment/auth", "/v2/payment/refund"):
            hub.sandbox.faults.order(FaultOrder(kind, path, count=1))


@pytest_asyncio.fixture(scope="module")
async def day(hub: Hub) -> Mapping[UUID, Outgoing]:
    """A busy day with faults, all of it concluded, and a record whose id belongs to another command."""
    records = a_day(hub)
    order_faults(hub)
    async with hub.worker():
        await hub.publish(records.values())
        stolen = Orders(hub).record(a_payment(), next(iter(records)))
        await hub.publish([stolen])
        await hub.results(records, within_s=60)
        await hub.until(lambda: hub.dead, within_s=20)
    hub.sandbox.faults.clear()
    return records


async def test_a_rebuilt_ledger_is_the_same_row_by_row(hub: Hub, day: Mapping[UUID, Outgoing]) -> None:
    before = await tables(hub)
    assert len(before["commands"]) == len(day)
    assert {row[4] for row in before["commands"]} == {"concluded"}
    assert len(before["deadlines"]) == 1

    done = await rebuilt(hub)

    assert await tables(hub) == before
    assert (done.commands, done.concluded, done.maybe_sent) == (len(day), len(day), 0)
    assert (done.keys, done.abandoned, done.moved) == (len(before["keys"]), (), {})


async def test_what_is_handed_in_again_after_a_rebuild_is_answered_word_for_word_and_moves_nothing(
    hub: Hub, day: Mapping[UUID, Outgoing]
) -> None:
    before, copies = booked(hub), {command_id: len(hub.copies(command_id)) for command_id in day}
    async with hub.worker():
        await hub.publish(day.values())
        await hub.until(lambda: all(len(hub.copies(one)) > count for one, count in copies.items()), within_s=60)
    assert booked(hub) == before
    for command_id in day:
        assert len({(copy.key, copy.value, copy.header("ce_id")) for copy in hub.copies(command_id)}) == 1
        headers = {
            tuple(pair for pair in copy.headers if pair[0] != "kolaj-republished") for copy in hub.copies(command_id)
        }
        assert len(headers) == 1


async def test_payments_go_on_after_a_rebuild_where_they_stood(hub: Hub) -> None:
    async with hub.worker():
        payment = a_payment(lira("20.00"))
        (created,) = await Orders(hub).results(payment)
        assert created.verdict == "accepted"
    await rebuilt(hub)
    async with hub.worker():
        first, second = await Orders(hub).results(
            a_refund_payment(payment.payment_id, lira("12.00")), a_refund_payment(payment.payment_id, lira("12.00"))
        )
    assert (first.verdict, second.verdict, second.reason) == ("accepted", "refused", "amount_exceeds_captured")


async def test_parked_commands_and_cut_off_sends_survive_the_loss_of_postgresql(hub: Hub, port: int) -> None:
    orders = Orders(hub)
    parked: dict[UUID, UUID] = {}
    records = []
    for _ in range(8):
        payment = a_payment(integration_id=DOWN)
        for command in (payment, a_refund_payment(payment.payment_id, lira("2.50"))):
            command_id = new_id()
            parked[command_id] = payment.payment_id
            records.append(orders.record(command, command_id))
    hub.sandbox.faults.order(FaultOrder(FaultKind.NEVER, "/payment/auth", count=1))
    async with hub.worker():
        await hub.publish(records)
        (cut_off,) = await orders.publish(a_payment())
        async with hub.database() as database, asyncio.timeout(30):
            while await database.fetchval("select count(*) from ledger.parked") != len(parked):
                continue
        await hub.booked(lambda _: all(used for _, used in hub.sandbox.faults.standing()))
        # Nor is it told what became of it, however long the others take.
        hub.sandbox.faults.order(FaultOrder(FaultKind.NEVER, "/payment/detail", count=1_000))
        # What is acknowledged behind them lets the committed offsets go past the parked ones.
        assert {result.verdict for result in await orders.results(*(a_payment() for _ in range(30)))} == {"accepted"}
    hub.sandbox.faults.clear()
    async with hub.database() as database:
        await database.execute("drop schema ledger cascade")
        await database.execute("drop schema vault cascade")
        await database.execute("drop schema registry cascade")

    done = await rebuilt(hub)

    assert done.moved, "parked commands are acknowledged, so that only the way back finds them"
    assert all(to < was for was, to in done.moved.values())
    assert cut_off in {row[0] for row in (await tables(hub))["commands"] if row[4] == "sending"}
    async with running_sandbox(port=port) as back, hub.worker():
        results = await hub.results([*parked, cut_off], within_s=60)
        charged, totals = back.books.entries(), back.books.totals()
    # Refused connections came after the mark, so that some creations had to be asked for; none was made twice.
    assert totals.charged_more_than_once == ()
    created = [result for result in results.values() if isinstance(result, PaymentCreated)]
    assert len([result for result in created if result.command_id in parked]) == len(charged)
    assert isinstance(results[cut_off], PaymentCreated | CommandUnknown)
    assert max(booked(hub).values()) == 1


async def test_what_lies_parked_in_a_restored_ledger_and_nowhere_else_stays_parked(hub: Hub) -> None:
    """Its record was deleted by retention; the sealed copy is all there is."""
    key, command_id = f"payments/{new_id()}", new_id()
    row = (key, command_id, b"d" * 32, INTEGRATION, hub.commands, 0, 0, b"sealed", "breaker_open", 1)
    async with hub.database() as database:
        await database.execute("insert into ledger.keys (key, epoch, parked) values ($1, 3, 1)", key)
        await database.execute(
            'insert into ledger.parked (key, command_id, digest, integration_id, topic, partition, "offset", sealed, '
            "reason, tries, parked_at, due_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now(), "
            "now() + interval '1 hour')",
            *row,
        )
        await rebuilt(hub)
        assert (
            await database.fetchval("select sealed from ledger.parked where command_id = $1", command_id) == b"sealed"
        )
        assert await database.fetchval("select parked from ledger.keys where key = $1", key) == 1
        assert await database.fetchval("select sum(parked) from ledger.keys") == 1
        await database.execute("delete from ledger.parked where command_id = $1", command_id)
        await database.execute("delete from ledger.keys where key = $1", key)


async def test_a_send_whose_record_is_gone_is_given_up_as_unknown_with_all_that_is_known(hub: Hub) -> None:
    command = a_payment()
    envelope = an_envelope(command)
    ask = Ask(f"payments/{command.payment_id}", envelope.id, command.type, digest(envelope, command.key, command))
    sending = Sending(Claim(ask, ClaimStatus.TAKEN, epoch=5), 1, SECOND, "reference-1", "digest-1", repeatable=False)
    at = datetime(2026, 11, 1, tzinfo=UTC)
    records = PaymentRecords(hub.settings.topics)
    await hub.publish([records.intent(sending, command.key, new_id(), at, None)])

    done = await rebuilt(hub)

    assert done.abandoned == (envelope.id,)
    result = (await hub.results([envelope.id]))[envelope.id]
    assert isinstance(result, CommandUnknown)
    assert (result.references, result.first_sent_at, result.command_type) == (("reference-1",), at, CreatePayment.type)
    assert result.performed is not None
    assert (result.performed.integration_id, result.performed.provider) == (SECOND, "iyzico")
    async with hub.database() as database:
        state = await database.fetchval("select state from ledger.keys where key = $1", ask.key)
    assert Payment.model_validate_json(state).stage == "unsettled"
    assert (await rebuilt(hub)).abandoned == ()


async def test_how_an_integration_was_chosen_is_rebuilt_with_the_attempt(hub: Hub) -> None:
    command = a_payment()
    envelope = an_envelope(command)
    ask = Ask(f"payments/{command.payment_id}", envelope.id, command.type, digest(envelope, command.key, command))
    routed = Routed(rule_id="cards", integration_id=SECOND, why="drawn by rule cards", fallback_of=(INTEGRATION,))
    claim = Claim(ask, ClaimStatus.TAKEN, epoch=5)
    sending = Sending(claim, 2, SECOND, f"r-{envelope.id}", "digest-1", repeatable=False, routed=routed)
    at = datetime(2026, 11, 1, tzinfo=UTC)
    records = PaymentRecords(hub.settings.topics)
    await hub.publish([records.intent(sending, command.key, new_id(), at, None)])

    await rebuilt(hub)

    async with hub.database() as database:
        kept = await database.fetchval("select routed from ledger.attempts where command_id = $1", envelope.id)
    assert Routed.model_validate_json(kept) == routed


async def test_a_rebuild_refuses_while_a_worker_runs(hub: Hub) -> None:
    async with hub.worker():
        with pytest.raises(SettingsError, match="stop every worker first"):
            await command_line._rebuild(hub.settings)
        assert (await Orders(hub).result(a_payment())).verdict == "accepted"


class Killed(Exception):
    """As if the process ended here."""


@pytest.mark.parametrize("step", ["records read", "results folded", "offsets moved"])
async def test_a_rebuild_that_was_cut_off_keeps_workers_out_until_it_is_run_again(hub: Hub, step: str) -> None:
    settings = hub.settings
    async with hub.worker():
        assert (await Orders(hub).result(a_payment())).verdict == "accepted"
    before = await tables(hub)
    pool = await open_pool(settings.database_url.get_secret_value())
    try:
        old = await Ledger.open(pool, lease_s=30, margin_s=5)

        def die(what: str, _: int) -> None:
            if what == step:
                raise Killed

        about = Rebuilding(
            settings.kafka,
            settings.topics,
            f"{settings.topic_prefix}.payments",
            command_line.worker_groups(settings),
            {},
            lambda: datetime.now(UTC),
        )
        await all_left(hub)
        async with Publisher(settings.kafka) as publisher:
            with pytest.raises(Killed):
                await rebuild(about, pool, publisher, die)
        with pytest.raises(LedgerReplaced):
            await old.claim(Ask("payments/x", new_id(), "t", b"d"))
        with pytest.raises(SettingsError, match="not complete; run `kolaj ledger rebuild` again"):
            await check_not_behind(settings.kafka, settings.topics, pool)
        await old.aclose()
        await rebuilt(hub)
        await check_not_behind(settings.kafka, settings.topics, pool)
    finally:
        await pool.close()
    assert await tables(hub) == before


async def test_a_command_whose_digest_is_not_known_any_more_answers_with_its_result(hub: Hub) -> None:
    async with hub.worker():
        (command_id,) = await Orders(hub).publish(a_query_payment())
        await hub.results([command_id])
    pool = await open_pool(hub.settings.database_url.get_secret_value())
    try:
        # As after a rebuild when retention has deleted the record of a command that was never sent.
        key = await pool.fetchval(
            "update ledger.commands set digest = '' where command_id = $1 returning key", command_id
        )
        ledger = await Ledger.open(pool, lease_s=30, margin_s=5)
        claim = await ledger.claim(Ask(key, command_id, "payments.query.v1", b"any"))
        await ledger.aclose()
    finally:
        await pool.close()
    assert claim.status is ClaimStatus.CONCLUDED
    assert claim.result is not None


async def test_two_rebuilds_at_once_are_refused(hub: Hub) -> None:
    await all_left(hub)
    both = (command_line._rebuild(hub.settings) for _ in range(2))
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, SettingsError)]
    assert len(refused) == 1
    assert "another rebuild" in str(refused[0])
