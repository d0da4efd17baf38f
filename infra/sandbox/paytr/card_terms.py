"""What a BIN tells, and what instalments cost the store. Source: dev.paytr.com, BIN and Instalment rate services."""

import re
import sqlite3
from typing import Final

from infra.sandbox.paytr.call import Call, Result
from infra.sandbox.paytr.cards import BRANDS, MOST_INSTALMENTS, SINGLE_RATIO, card_of_bin, ratio
from infra.sandbox.paytr.refusing import Refused

_BIN: Final = re.compile(r"[0-9]{6}|[0-9]{8}")


def bin_detail(_connection: sqlite3.Connection, call: Call) -> Result:
    """The card's bank and programme; `failed` where the BIN is not known."""
    bin_number = call.form.get("bin_number", "")
    if not _BIN.fullmatch(bin_number):
        raise Refused("bin_number gecersiz", detail="6 veya 8 rakam")
    card = card_of_bin(bin_number)
    if card is None:
        return {"status": "failed", "err_msg": "BIN bulunamadi"}
    return {
        "status": "success",
        "cardType": "credit",
        "businessCard": "n",
        "bank": card.bank,
        "bankCode": card.bank_code,
        "brand": card.brand,
        "schema": card.schema,
        "allow_non3d": "Y" if "non_3d" in call.store.permissions else "N",
    }


def instalment_rates(_connection: sqlite3.Connection, call: Call) -> Result:
    """Percentages by programme and count."""
    front = "" if call.store.bare_instalment_keys else "taksit_"
    answer: dict[str, object] = {
        "status": "success",
        "request_id": call.text("request_id", 32),
        "max_inst_non_bus": MOST_INSTALMENTS,
        "oranlar": {
            brand: {f"{front}{count}": ratio(brand, count) for count in range(2, MOST_INSTALMENTS + 1)}
            for brand in BRANDS
        },
    }
    if call.flag("single_ratio"):
        answer["single_ratio"] = SINGLE_RATIO
    if call.flag("abroad_ratio"):
        answer["abroad_ratio"] = SINGLE_RATIO * 2
    return answer
