"""OpenSSL checks signatures of calls to us, and certificates, apart from Python; not what else is asked of a call.

It knows nothing of moments, of the names that a certificate must have, of algorithms that are not taken, or of repeats.
"""

import base64
import binascii
import json
import shutil
import subprocess
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import SecretStr

from providers.connection_settings import USUAL
from providers.notices import Call, Fetched, Notice, Refused
from providers.payments.paypal.webhook import read_notice as read_paypal
from providers.payments.stripe.webhook import read_notice as read_stripe
from tests.named_tests import ROOT
from tests.oracles.requirement import lacking

STRIPE: Final[dict[str, Any]] = json.loads((ROOT / "tests" / "vectors" / "webhooks.json").read_bytes())["stripe"]
PAYPAL: Final[dict[str, Any]] = json.loads((ROOT / "tests" / "vectors" / "paypal.json").read_bytes())
ARRIVAL: Final = datetime(2026, 1, 1, 0, 0, 10, tzinfo=UTC)

OUR_POLICY: Final = frozenset({"wrong_common_name", "unknown_algorithm", "signature_not_base64"})
"""What OpenSSL has no opinion on: it is given a key, a signature and an algorithm."""


@pytest.fixture(scope="module")
def openssl() -> str:
    found = shutil.which("openssl")
    if found is None:
        lacking("openssl is not here.")
    return found


def _names(header: str | None) -> list[str]:
    return [part.partition("=")[0] for part in (header or "").split(",")]


def _run(openssl: str, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([openssl, *words], input=given, capture_output=True, timeout=60, check=False)  # noqa: S603


def _hmac(openssl: str, secret: str, message: bytes) -> str:
    key = f"hexkey:{secret.encode().hex()}"
    done = _run(openssl, "dgst", "-sha256", "-mac", "HMAC", "-macopt", key, given=message)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().rpartition("= ")[2].strip()


def _stripe_reads(header: str, payload: bytes, secret: str, at: int) -> Notice | Refused:
    keys = ({"webhook_secret": SecretStr(secret)},)
    arrived_at = datetime.fromtimestamp(at, UTC)
    return read_stripe(Call({"Stripe-Signature": header}, payload, keys, arrived_at, USUAL, "sandbox"))


SIGNED: Final = [case for case in STRIPE["cases"] if case["secret"] and {"t", "v1"} <= {*_names(case["header"])}]


@pytest.mark.parametrize("case", SIGNED, ids=lambda case: case["name"])
def test_a_signature_of_stripes_fits_where_openssl_makes_the_same(openssl: str, case: Mapping[str, Any]) -> None:
    payload = (case["payload"] if "payload" in case else STRIPE["payloads"][case["payload_ref"]]).encode()
    parts = [part.strip().partition("=") for part in case["header"].split(",")]
    moment = next(value for name, _, value in parts if name == "t")
    theirs = _hmac(openssl, case["secret"], f"{moment}.".encode() + payload)
    fits = theirs in {value for name, _, value in parts if name == "v1"}
    ours = _stripe_reads(case["header"], payload, case["secret"], case["now"])
    assert (ours == Refused("wrong")) == (not fits)


def test_what_openssl_signs_as_stripe_does_is_taken(openssl: str) -> None:
    payload = STRIPE["payloads"]["refund_pretty_utf8"].encode()
    signature = _hmac(openssl, "whsec_ığüşöç", b"1767225600." + payload)
    header = f"t=1767225600,v0={'0' * 64},v1={signature}"
    assert isinstance(_stripe_reads(header, payload, "whsec_ığüşöç", 1767225610), Notice)
    assert _stripe_reads(header, payload + b" ", "whsec_ığüşöç", 1767225610) == Refused("wrong")


def _paypal_reads(case: Mapping[str, Any], certificate: bytes) -> Notice | Refused:
    fetched = Fetched(case["headers"]["PAYPAL-CERT-URL"], certificate, PAYPAL["test_ca_pem"].encode())
    keys = ({"webhook_id": SecretStr(case.get("webhook_id") or PAYPAL["webhook_id"])},)
    return read_paypal(Call(case["headers"], case["body"].encode(), keys, ARRIVAL, USUAL, "sandbox", fetched))


def _openssl_takes(openssl: str, case: Mapping[str, Any], certificate: Path) -> bool:
    """Whether key and authority vouch for the call."""
    folder, told = certificate.parent, case["headers"]
    webhook = case.get("webhook_id") or PAYPAL["webhook_id"]
    named = (told["PAYPAL-TRANSMISSION-ID"], told["PAYPAL-TRANSMISSION-TIME"], webhook)
    message = "|".join((*named, str(zlib.crc32(case["body"].encode())))).encode()
    try:
        (folder / "signature").write_bytes(base64.b64decode(told["PAYPAL-TRANSMISSION-SIG"], validate=True))
    except binascii.Error:
        return False
    (folder / "authority").write_text(PAYPAL["test_ca_pem"])
    key = _run(openssl, "x509", "-in", str(certificate), "-noout", "-pubkey")
    (folder / "key").write_bytes(key.stdout)
    signed = ("dgst", "-sha256", "-verify", str(folder / "key"), "-signature", str(folder / "signature"))
    vouched = ("verify", "-CAfile", str(folder / "authority"), "-attime", str(int(ARRIVAL.timestamp())))
    return (
        _run(openssl, *signed, given=message).returncode == 0
        and _run(openssl, *vouched, str(certificate)).returncode == 0
    )


@pytest.mark.parametrize("case", PAYPAL["cases"], ids=lambda case: case["name"])
def test_a_call_of_paypals_is_taken_where_openssl_takes_signature_and_certificate(
    openssl: str, tmp_path: Path, case: Mapping[str, Any]
) -> None:
    certificate = tmp_path / "certificate"
    certificate.write_text(PAYPAL[case["cert"]])
    ours = isinstance(_paypal_reads(case, certificate.read_bytes()), Notice)
    theirs = _openssl_takes(openssl, case, certificate)
    assert ours == theirs if case["name"] not in OUR_POLICY else not ours


def test_what_openssl_signs_as_paypal_does_is_taken(openssl: str, tmp_path: Path) -> None:
    """With an authority, a key and a certificate that OpenSSL has made."""
    root, leaf = tmp_path / "root", tmp_path / "leaf"
    new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "30")
    named = "/CN=messageverificationcerts.sandbox.paypal.com"
    made = [
        _run(openssl, *new, "-subj", "/CN=An authority", "-keyout", f"{root}.key", "-out", f"{root}.pem"),
        _run(
            openssl, *new, "-subj", named, "-keyout", f"{leaf}.key", "-out", f"{leaf}.pem",
            "-CA", f"{root}.pem", "-CAkey", f"{root}.key", "-addext", "basicConstraints=critical,CA:FALSE",
        ),
    ]  # fmt: skip
    assert [one.stderr for one in made if one.returncode] == []
    case = PAYPAL["cases"][0]
    signature = _run(openssl, "dgst", "-sha256", "-sign", f"{leaf}.key", given=case["signed_message"].encode()).stdout
    headers = {**case["headers"], "PAYPAL-TRANSMISSION-SIG": base64.b64encode(signature).decode()}
    keys = ({"webhook_id": SecretStr(PAYPAL["webhook_id"])},)
    fetched = Fetched(headers["PAYPAL-CERT-URL"], Path(f"{leaf}.pem").read_bytes(), Path(f"{root}.pem").read_bytes())
    call = Call(headers, case["body"].encode(), keys, datetime.now(UTC), USUAL, "sandbox", fetched)
    assert isinstance(read_paypal(call), Notice)
