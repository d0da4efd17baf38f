"""What a shopper's browser brings back from the bank, and when it completes the payment."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from pydantic import SecretStr

from infra.gateway.returns.brought import MOST, brought, told_once
from infra.gateway.returns.completing import Completing, Completion
from infra.gateway.returns.desk import order
from infra.gateway.returns.standing import Begun
from infra.gateway.returns.ticket import Proved, Ticket
from providers.connector import Connector, Credentials, Integration
from providers.payments import iyzico, paypal
from providers.returns import ReturnVerdict
from schemas.errors import StoreError
from schemas.ids import created_at, new_id
from schemas.payments import CompleteThreeDSecure, ReturnedField

FORM = "application/x-www-form-urlencoded"
PAYMENT = new_id()
TICKET = Ticket(PAYMENT, "https://shop.example/done", None, 1_764_000_000_000, 1_764_003_600)
CAME = Proved(TICKET, new_id())
KEYS = {"secret_key": SecretStr("current")}
OLDER = {"secret_key": SecretStr("retiring")}
YES = ReturnVerdict(verified=True, completes=True, reference="22416032")
HERE = Begun("iyzico-main", "22416032")


def pairs(fields: tuple[ReturnedField, ...]) -> list[tuple[str, str]]:
    return [(field.name, field.value) for field in fields]


@pytest.mark.parametrize(
    ("query", "content_type", "body", "expected"),
    [
        ("r=ticket&mdStatus=1", "", b"", [("mdStatus", "1")]),
        ("r=ticket?mdStatus=1&x=", "", b"", [("x", ""), ("mdStatus", "1")]),
        ("r=t", FORM, b"conversationData=&name=%C3%87a+%C4%9F", [("conversationData", ""), ("name", "Ça ğ")]),
        ("r=t&a=1", f"{FORM}; charset=UTF-8", b"a=2", [("a", "1"), ("a", "2")]),
        ("r=t", "application/json", b'{"mdStatus": "1"}', []),
        ("r=t", "multipart/form-data; boundary=x", b"--x", []),
        ("r=t", FORM, b"pan=5528790000000008&nul=%00&%C3%BC=1&ok=1", [("ok", "1")]),
        ("r=t", FORM, b"\xff=1&b=\xff", [("b", "\ufffd")]),
        ("r=t", FORM, "&".join(f"f{n}=1" for n in range(MOST + 1)).encode(), []),
    ],
)
def test_fields_come_in_the_address_or_in_a_form(
    query: str, content_type: str, body: bytes, expected: list[tuple[str, str]]
) -> None:
    assert pairs(brought(query, content_type, body)) == expected


def test_what_stands_twice_is_told_by_nobody() -> None:
    assert told_once(brought("a=1&b=2&a=1", "", b"")) == {"b": "2"}


class Bank:
    """A connector's look at the fields; it keeps what it was given."""

    def __init__(self, verdict: ReturnVerdict | StoreError) -> None:
        self._verdict = verdict
        self.seen: list[tuple[Mapping[str, str], Sequence[Credentials]]] = []

    def __call__(self, fields: Mapping[str, str], credentials: Sequence[Credentials]) -> ReturnVerdict:
        self.seen.append((fields, credentials))
        if isinstance(self._verdict, StoreError):
            raise self._verdict
        return self._verdict


def an_integration(returns: Any, name: str = "iyzico-main", connector: Connector = iyzico.CONNECTOR) -> Integration:
    return Integration(
        name,
        replace(connector, returns=returns),
        "sandbox",
        "https://bank.example",
        KEYS,
        (OLDER, MappingProxyType({})),
    )


def completed(
    verdict: ReturnVerdict | StoreError = YES,
    *,
    came: Proved = CAME,
    begun: Begun = HERE,
    form: bytes = b"mdStatus=1&status=success",
    others: tuple[str, ...] = (),
    connector: Connector = iyzico.CONNECTOR,
) -> Completion | None:
    integrations = {name: an_integration(Bank(verdict), name, connector) for name in ("iyzico-main", *others)}
    return Completing(integrations).completion(came, begun, brought("r=t", FORM, form))


def ticket_for(integration_id: str) -> Proved:
    return replace(CAME, ticket=replace(TICKET, integration_id=integration_id))


def test_signed_fields_of_a_payer_who_was_let_through_complete_the_payment() -> None:
    bank = Bank(YES)
    fields = brought("r=t", FORM, b"mdStatus=1&twice=1&twice=2")
    found = Completing({"iyzico-main": an_integration(bank)}).completion(CAME, HERE, fields)
    assert found is not None
    assert found.command == CompleteThreeDSecure(payment_id=PAYMENT, integration_id="iyzico-main", returned=fields)
    assert bank.seen == [({"mdStatus": "1"}, (KEYS, OLDER))], "every live secret is tried"
    assert created_at(found.command_id) == TICKET.made_at
    record = order("commands", CAME, found)
    assert (record.key, found.command.payment_id) == (str(PAYMENT).encode(), PAYMENT)


def test_the_same_brought_back_again_is_the_same_command_in_whatever_order() -> None:
    first, again = completed(form=b"a=1&b=2"), completed(form=b"b=2&a=1")
    other = completed(form=b"a=1&b=3")
    elsewhere = completed(form=b"a=1&b=2", came=replace(CAME, command_id=new_id()))
    assert first is not None
    assert again is not None
    assert first.command == again.command, "or the ledger would take the second for another command of that id"
    assert first.command_id == again.command_id
    assert other is not None
    assert elsewhere is not None
    assert len({first.command_id, other.command_id, elsewhere.command_id, CAME.command_id}) == 4


@pytest.mark.parametrize(
    "changed",
    [
        {"verdict": ReturnVerdict(verified=False)},
        {"verdict": ReturnVerdict(verified=False, completes=True)},
        {"verdict": ReturnVerdict(verified=True, completes=False, reference="22416032")},
        {"verdict": StoreError("the vault is away")},
        {"form": b""},
        {"begun": Begun("iyzico-main", "an-earlier-start")},
        {"begun": Begun("gone", None)},
        {"came": ticket_for("iyzico-main"), "begun": Begun("iyzico-other", None), "others": ("iyzico-other",)},
        {"begun": Begun(), "others": ("iyzico-other",)},
    ],
)
def test_whatever_else_comes_back_leaves_it_to_the_provider(changed: dict[str, Any]) -> None:
    assert completed(**changed) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"begun": Begun()},
        {"begun": Begun(), "came": ticket_for("iyzico-main"), "others": ("iyzico-other",)},
        {"verdict": replace(YES, reference=None)},
        {"begun": Begun("iyzico-main", None)},
    ],
)
def test_tables_that_are_behind_keep_nobody_from_completing(changed: dict[str, Any]) -> None:
    assert completed(**changed) is not None


def test_a_provider_that_signs_nothing_is_asked() -> None:
    completing = Completing({"iyzico-main": an_integration(None)})
    assert completing.completion(CAME, HERE, brought("r=t", FORM, b"mdStatus=1")) is None


# Providers that sign nothing and complete nothing without the payer's yes.

UNSIGNED = ReturnVerdict(verified=False, completes=True, reference="22416032")
WITHOUT_A_YES_NOTHING: dict[str, Any] = {"verdict": UNSIGNED, "connector": paypal.CONNECTOR}


def test_an_unsigned_return_completes_what_its_provider_completes_for_payers_who_agreed_alone() -> None:
    found = completed(**WITHOUT_A_YES_NOTHING)
    assert found is not None
    expected = CompleteThreeDSecure(payment_id=PAYMENT, integration_id="iyzico-main")
    assert found.command == expected, "nothing of what came counts, so that nothing of it goes along"
    assert created_at(found.command_id) == TICKET.made_at


def test_an_unsigned_return_is_one_command_whatever_is_written_into_it() -> None:
    first = completed(**WITHOUT_A_YES_NOTHING, form=b"token=x&PayerID=1")
    assert first is not None
    assert completed(**WITHOUT_A_YES_NOTHING, form=b"token=x&PayerID=2&more=1") == first


def test_a_payer_who_was_sent_there_again_completes_the_payment_again_a_few_times_at_most() -> None:
    tries = [completed(**WITHOUT_A_YES_NOTHING, begun=replace(HERE, completions_refused=count)) for count in range(7)]
    ids = {one.command_id for one in tries if one is not None}
    assert (len(ids), tries[5:]) == (5, [None, None])


@pytest.mark.parametrize(
    "changed",
    [
        {"verdict": replace(UNSIGNED, reference="an-earlier-start")},
        {"verdict": replace(UNSIGNED, reference=None)},
        {"verdict": replace(UNSIGNED, completes=False)},
        {"begun": Begun("iyzico-main", None)},
        {"begun": Begun()},
        {"form": b""},
        {"connector": iyzico.CONNECTOR},
    ],
)
def test_an_unsigned_return_completes_nothing_but_the_beginning_that_the_tables_know(changed: dict[str, Any]) -> None:
    assert completed(**(WITHOUT_A_YES_NOTHING | changed)) is None
