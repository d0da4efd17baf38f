"""`kolaj providers`: connectors as they declare themselves."""

import json

from typer.testing import CliRunner

from infra.cli.providers import app
from providers.registry import connectors


def test_every_connector_is_listed_with_what_an_account_needs() -> None:
    done = CliRunner().invoke(app, ["--json"])
    assert done.exit_code == 0
    told = {one["provider"]: one for one in json.loads(done.stdout)}
    assert set(told) == set(connectors())
    iyzico = told["iyzico"]
    assert iyzico["credentials"] == ["api_key", "secret_key"]
    assert iyzico["environments"] == ["production", "sandbox"]
    assert "payments.create.v1" in iyzico["operations"]
    assert (iyzico["queries"], iyzico["webhooks"]) == (["bin", "instalments"], ["direct", "hosted", "subscription"])
    assert "merchant_id" in iyzico["settings"]["properties"]
    assert set(iyzico) >= {
        "provider",
        "kind",
        "environments",
        "operations",
        "queries",
        "webhooks",
        "credentials",
        "settings",
    }
