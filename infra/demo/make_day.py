"""Writes `shop_day.jsonl`, a day at a shop: `python -m infra.demo.make_day > infra/demo/shop_day.jsonl`.

Seeded, so that it writes the same file each time. Its command ids are words; whoever publishes it for real replaces
them by fresh UUIDs, equal words by equal ones.
"""

import json
import random
import sys
from collections.abc import Iterator
from typing import Any
from uuid import UUID

SOURCE = "/demo/shop"
SEED = 20261125

TRY_CARDS = (
    "card-akbank-credit", "card-akbank-debit", "card-denizbank-credit", "card-denizbank-bonus-credit",
    "card-qnb-credit",
    "card-qnb-debit", "card-garanti-credit", "card-garanti-debit", "card-halkbank-credit", "card-hsbc-credit",
    "card-isbank-credit", "card-vakifbank-credit", "card-vakifbank-troy-credit", "card-yapikredi-credit",
)  # fmt: skip
CREDIT_CARDS = tuple(card for card in TRY_CARDS if card.endswith("credit"))
FOREIGN_CARDS = ("card-foreign-credit", "card-foreign-debit")
DECLINED = (
    "card-declined-10051", "card-declined-10005", "card-declined-10012", "card-declined-10041", "card-declined-10043",
    "card-declined-10054", "card-declined-10084", "card-declined-10057", "card-declined-10034", "card-declined-pickup",
    "card-declined-10093",
)  # fmt: skip
PEOPLE = (
    ("Ayşe", "Yılmaz", "İstanbul"), ("Işıl", "Iğdır", "Iğdır"), ("Gökçe", "Çağlayan", "İzmir"),
    ("Ömer", "Şahin", "Ankara"), ("İnci", "Öztürk", "Muğla"), ("Duygu 🌷", "Aydın", "Çanakkale"),
    ("Uğur", "Ünlü", "Şırnak"), ("Ali" * 100, "Uzunisim", "Eskişehir"),
)  # fmt: skip
GOODS = (
    ("Türk kahvesi takımı", "Mutfak", "physical", 34990), ("Çay bardağı, altılı", "Mutfak", "physical", 18950),
    ("İpek şal", "Giyim", "physical", 59900), ("Hediye çeki", "Hediye", "virtual", 10000),
    ("Bakır cezve", "Mutfak", "physical", 27545), ("Kilim 80x150", "Ev", "physical", 214990),
    ("E-kitap", "Kitap", "virtual", 4999), ("Zeytinyağlı sabun", "Bakım", "physical", 3333),
)  # fmt: skip


class Day:
    def __init__(self) -> None:
        self._dice = random.Random(SEED)  # noqa: S311 - made-up orders, not secrets
        self._commands = 0
        self._orders = 0

    def lines(self) -> Iterator[dict[str, Any]]:
        """The day in the order it is published."""
        queues = [*self._plain(), *self._foreign(), *self._held(), *self._declined(), *self._odd()]
        self._dice.shuffle(queues)
        day: list[dict[str, Any]] = []
        while queues:
            # Payments overlap as they do in a shop, while each keeps its own order.
            queue = self._dice.choice(queues[:40])
            day.append(queue.pop(0))
            if not queue:
                queues.remove(queue)
        for again in self._dice.sample(range(len(day)), 20):
            day.append(day[again])
        for place, bad in zip((30, 90, 150, 210, 270), _unreadable(), strict=True):
            day.insert(place, bad)
        yield from day

    def _plain(self) -> Iterator[list[dict[str, Any]]]:
        for number in range(138):
            instalments = self._dice.choice((1, 1, 1, 2, 3, 6, 9, 12))
            card = self._dice.choice(CREDIT_CARDS if instalments > 1 else TRY_CARDS)
            # Of those that nothing is ordered of afterwards, most go over the payer's bank.
            asked = number % 12 in {5, 7, 11}
            create = self._create(card, "TRY", instalments=instalments, three_d_secure=asked)
            payment = create["data"]["payment_id"]
            paid, first = create["data"]["paid_price"]["minor"], create["data"]["basket"][0]
            follow: list[dict[str, Any]] = []
            match number % 6:
                case 0:
                    follow = [self._command("refund", payment, amount=_try(paid // 3), reason="İade")]
                case 1 if number % 12 == 1:
                    follow = [self._command("cancel", payment, reason="Vazgeçti")]
                case 2 if number % 12 == 2:  # noqa: PLR2004 - half of them
                    line = _try(first["price"]["minor"] // 2)
                    follow = [self._command("refund", payment, amount=line, line_id=first["line_id"])]
                case 3 if number % 24 == 3:  # noqa: PLR2004 - a few
                    follow = [
                        self._command("refund", payment, amount=_try(1000)),
                        self._command("refund", payment, amount=_try(2500)),
                        self._command("refund", payment),
                    ]
                case 4 if number % 24 == 4:  # noqa: PLR2004 - a few
                    follow = [self._command("query", payment)]
            yield [create, *follow]

    def _foreign(self) -> Iterator[list[dict[str, Any]]]:
        for currency in ("USD", "EUR", "GBP") * 5:
            create = self._create(self._dice.choice(FOREIGN_CARDS), currency)
            yield [create, self._command("query", create["data"]["payment_id"])]

    def _held(self) -> Iterator[list[dict[str, Any]]]:
        for number in range(20):
            create = self._create(self._dice.choice(TRY_CARDS), "TRY", capture="manual")
            payment, paid = create["data"]["payment_id"], create["data"]["paid_price"]["minor"]
            match number % 4:
                case 0:
                    yield [create, self._command("capture", payment)]
                case 1:
                    yield [create, self._command("capture", payment, amount=_try(paid - paid // 4))]
                case 2:
                    yield [create, self._command("cancel", payment), self._command("capture", payment)]
                case _:
                    capture = self._command("capture", payment)
                    yield [create, capture, self._command("refund", payment, amount=_try(paid // 2))]

    def _declined(self) -> Iterator[list[dict[str, Any]]]:
        for place, card in enumerate(DECLINED * 2):
            yield [self._create(card, "TRY", three_d_secure=place >= len(DECLINED))]

    def _odd(self) -> Iterator[list[dict[str, Any]]]:
        """What goes wrong in a shop: each ends in one refusal, and one is performed without an answer."""
        late = self._create("card-qnb-credit", "TRY", order="fault-never-1")
        yield [late, self._command("refund", late["data"]["payment_id"], amount=_try(500))]
        elsewhere = self._create("card-qnb-credit", "TRY")
        elsewhere["data"]["integration_id"] = "no-such-account"
        yield [elsewhere]
        expired = self._create("card-qnb-credit", "TRY")
        expired["data"]["expires_at"] = "2020-01-01T00:00:00Z"
        yield [expired]
        greedy = self._create("card-garanti-credit", "TRY")
        paid = greedy["data"]["paid_price"]["minor"]
        yield [greedy, self._command("refund", greedy["data"]["payment_id"], amount=_try(paid + 1))]
        yield [self._command("capture", str(UUID(int=self._dice.getrandbits(128), version=4)))]
        wrong = self._create("card-isbank-credit", "TRY")
        yield [wrong, self._command("refund", wrong["data"]["payment_id"], amount={"minor": 100, "currency": "EUR"})]

    def _create(
        self,
        card: str,
        currency: str,
        *,
        instalments: int = 1,
        capture: str = "auto",
        order: str | None = None,
        three_d_secure: bool = False,
    ) -> dict[str, Any]:
        self._orders += 1
        basket: list[dict[str, Any]] = [
            {
                "line_id": f"L{place}",
                "name": name,
                "category": category,
                "goods": goods,
                "price": {"minor": price, "currency": currency},
            }
            for place, (name, category, goods, price) in enumerate(
                self._dice.sample(GOODS, self._dice.choice((1, 1, 2, 3))), start=1
            )
        ]
        price = sum(int(line["price"]["minor"]) for line in basket)
        extras: dict[str, int] = {}
        if instalments > 1:
            extras["instalment_surcharge"] = price * instalments // 100
        if self._dice.random() < 0.3:  # noqa: PLR2004 - some
            extras["shipping"] = 2990
        elif self._dice.random() < 0.2:  # noqa: PLR2004 - some
            extras["discount"] = price // 10
        paid = price + sum(-amount if name == "discount" else amount for name, amount in extras.items())
        name, surname, city = self._dice.choice(PEOPLE)
        address = {
            "contact_name": f"{name} {surname}"[:900],
            "line": "Lale Sok. No:1",
            "city": city,
            "country": "Türkiye",
        }
        back = {"return_url": f"https://shop.example/back/{self._orders}"} if three_d_secure else {}
        return self._command(
            "start_three_d_secure" if three_d_secure else "create",
            str(UUID(int=self._dice.getrandbits(128), version=4)),
            integration_id="iyzico-demo",
            order_id=order or f"S{self._orders:05d}",
            capture=capture,
            method={"kind": "stored_card", "card_token": card, "customer_key": "sandbox-wallet"},
            price={"minor": price, "currency": currency},
            paid_price={"minor": paid, "currency": currency},
            instalments=instalments,
            buyer={
                "buyer_id": f"B{self._orders % 37}",
                "name": name,
                "surname": surname,
                "email": f"alici{self._orders % 37}@example.com",
                "identity_number": "74300864791",
                "phone": "+905350000000",
                "ip": "85.34.78.112",
                "address": address,
            },
            billing_address=address,
            shipping_address=address,
            basket=basket,
            **{key: {"minor": amount, "currency": currency} for key, amount in extras.items()},
            **back,
        )

    def _command(self, verb: str, payment_id: str, **data: Any) -> dict[str, Any]:
        self._commands += 1
        return {
            "id": f"command-{self._commands:04d}",
            "type": f"payments.{verb}.v1",
            "source": SOURCE,
            "data": {"payment_id": payment_id, **data},
        }


def _try(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "TRY"}


def _unreadable() -> Iterator[dict[str, Any]]:
    """Five records that nobody can read, each for a reason of its own."""
    envelope = {"ce_specversion": "1.0", "ce_source": SOURCE}
    known = {**envelope, "ce_id": "5f0c8f2e-1111-4222-8333-944455566601", "ce_type": "payments.query.v1"}
    yield {"raw": "this is not JSON", "key": "bad-1", "headers": known}
    yield {"raw": "{}", "key": "bad-2", "headers": {**known, "ce_type": "payments.teleport.v9"}}
    yield {"raw": '{"payment_id": "nobody"}', "key": "bad-3", "headers": known}
    yield {"raw": None, "key": "bad-4", "headers": known}
    card = '{"payment_id": "0190163d-8694-739b-aea5-966c26f8ad91", "reason": "card 5528790000000008"}'
    refund = {**envelope, "ce_id": "5f0c8f2e-1111-4222-8333-944455566605", "ce_type": "payments.refund.v1"}
    yield {"raw": card, "key": "0190163d-8694-739b-aea5-966c26f8ad91", "headers": refund}


def main() -> None:
    for line in Day().lines():
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
