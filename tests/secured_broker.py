"""A broker that asks everybody who he is, and lets nobody do what no rule allows.

Two ways in: by certificate (SSL, where the broker and its controller speak too), and by password (SASL_SSL with
SCRAM-SHA-512). Certificates are of a throwaway authority; a principal is the certificate's common name, or the user.
"""

import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import trustme
from aiokafka.protocol.admin import CreateAclsRequest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from infra.deploy.acls import Rule
from infra.local.broker import Broker, Node, Security
from infra.local.process import LOOPBACK, free_ports
from streams.admin import admin_client
from streams.kafka import KafkaAccess
from tests.tls_front import written

ADMINISTRATOR: Final = "administrator"

# Kafka's protocol, CreateAcls: the numbers of what is meant.
_RESOURCES: Final = {"topic": 2, "group": 3}
_PATTERNS: Final = {"literal": 3, "prefixed": 4}
_OPERATIONS: Final = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8, "DescribeConfigs": 10}
_ALLOW: Final = 3


@dataclass(frozen=True)
class SecuredBroker:
    """Where to get in. Everybody trusts `ca_file`."""

    broker: Broker
    folder: Path
    authority: trustme.CA
    ca_file: str
    password_port: int
    passwords: Mapping[str, str]

    @property
    def by_password(self) -> str:
        return f"{LOOPBACK}:{self.password_port}"

    def environment(self, user: str) -> dict[str, str]:
        """The settings of a process that has a password."""
        return {
            "KAFKA_BOOTSTRAP": self.by_password,
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_USERNAME": user,
            "KAFKA_PASSWORD": self.passwords[user],
            "KAFKA_CA_FILE": self.ca_file,
        }

    def certified(self, name: str) -> dict[str, str]:
        """The settings of a process that has a certificate, issued here."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        ca, certificate, key = written(
            folder, self.authority, self.authority.issue_cert(f"{name}.example", common_name=name)
        )
        return {
            "KAFKA_BOOTSTRAP": self.broker.bootstrap,
            "KAFKA_SECURITY_PROTOCOL": "SSL",
            "KAFKA_CA_FILE": ca,
            "KAFKA_CERT_FILE": certificate,
            "KAFKA_KEY_FILE": key,
        }

    @property
    def administrator(self) -> KafkaAccess:
        """Who may do everything."""
        given = self.certified(ADMINISTRATOR)
        return KafkaAccess(
            self.broker.bootstrap,
            "SSL",
            ca_file=given["KAFKA_CA_FILE"],
            cert_file=given["KAFKA_CERT_FILE"],
            key_file=given["KAFKA_KEY_FILE"],
        )

    async def allow(self, rules: Iterable[Rule]) -> None:
        """Give these rights."""
        async with admin_client(self.administrator) as admin:
            for rule in rules:
                for operation in rule.operations:
                    answer = await admin._send_to_controller(_creation(rule, operation))
                    assert [code for code, _ in answer.creation_responses] == [0], answer


@asynccontextmanager
async def secured_broker(folder: Path, users: Sequence[str]) -> AsyncIterator[SecuredBroker]:
    """One node. `users` get passwords; a certificate is made for whoever asks for one."""
    authority = trustme.CA()
    ca, _, _ = written(folder, authority, authority.issue_cert(LOOPBACK, common_name="broker"))
    own = authority.issue_cert(LOOPBACK, common_name="broker")
    store = folder / "broker.pem"
    store.write_bytes(_pkcs8(own.private_key_pem.bytes()) + own.cert_chain_pems[0].bytes())
    (password_port,) = free_ports(1)
    passwords = {user: secrets.token_hex(12) for user in users}
    administrator = folder / "first"
    administrator.mkdir()
    access = KafkaAccess(
        "",
        "SSL",
        ca_file=ca,
        cert_file=written(
            administrator, authority, authority.issue_cert("administrator.example", common_name=ADMINISTRATOR)
        )[1],
        key_file=str(administrator / "key.pem"),
    )
    security = Security(
        lambda node: _settings(node, password_port, Path(ca), store),
        passwords,
        {"security_protocol": "SSL", "ssl_context": access.ssl_context},
    )
    broker = Broker(folder / "kafka", security=security)
    await broker.start()
    try:
        yield SecuredBroker(broker, folder, authority, ca, password_port, passwords)
    finally:
        await broker.stop()


def _settings(node: Node, password_port: int, ca: Path, store: Path) -> dict[str, object]:
    controller = f"CONTROLLER://{LOOPBACK}:{node.controller_port}"
    clients = f"BROKER://{node.address},PASSWORD://{LOOPBACK}:{password_port}"
    return {
        "listeners": f"{clients},{controller}",
        "advertised.listeners": clients,
        "listener.security.protocol.map": "BROKER:SSL,CONTROLLER:SSL,PASSWORD:SASL_SSL",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": store,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": ca,
        "listener.name.broker.ssl.client.auth": "required",
        "listener.name.controller.ssl.client.auth": "required",
        "ssl.principal.mapping.rules": "RULE:^.*CN=([^,]+).*$/$1/",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.password.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:broker;User:{ADMINISTRATOR}",
    }


def _pkcs8(key: bytes) -> bytes:
    """The one form in which Java reads a key from PEM."""
    return load_pem_private_key(key, None).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _creation(rule: Rule, operation: str) -> Any:
    return CreateAclsRequest(
        _RESOURCES[rule.resource],
        rule.name,
        _PATTERNS[rule.pattern],
        rule.principal,
        "*",
        _OPERATIONS[operation],
        _ALLOW,
    )
