"""What a failure to reach PostgreSQL means for the person who set the address."""

import ssl
from typing import Final

from schemas.errors import StoreError

_BY_STATE: Final = {
    "28P01": "PostgreSQL refused the user or password in {setting}; check both",
    "28000": "PostgreSQL lets this account in {setting} not in ({told}); check the account, its certificate "
    "(DATABASE_CERT_FILE), and that the server's pg_hba.conf has a line for it",
    "08003": "PostgreSQL, or what stands before it, hung up: it may want TLS (sslmode in {setting}) or a certificate "
    "(DATABASE_CERT_FILE), or be starting or stopping",
    "3D000": "PostgreSQL has no database of the name in {setting}; create it or correct it",
    "42501": "PostgreSQL does not let the account of {setting} do this ({told}); grant it its role, or run `kolaj "
    "migrate` as the owner of the tables",
}
"""By SQLSTATE."""


def unreachable(failed: BaseException, setting: str = "DATABASE_URL") -> StoreError:
    """The error to raise from one of the driver's; it holds no password, and names the setting to look at."""
    state = getattr(failed, "sqlstate", None)
    if state in _BY_STATE:
        return StoreError(_BY_STATE[state].format(setting=setting, told=failed))
    if isinstance(failed, ssl.SSLCertVerificationError):
        return StoreError(
            f"PostgreSQL's certificate is not to be trusted ({failed.verify_message}): name the authority that signed "
            f"it in DATABASE_CA_FILE, and the server in {setting} as the certificate does"
        )
    if isinstance(failed, ssl.SSLError) or "SSL" in str(failed):
        return StoreError(
            f"PostgreSQL and we do not agree on TLS ({failed}): check sslmode in {setting}, DATABASE_CA_FILE, "
            "DATABASE_CERT_FILE and DATABASE_KEY_FILE, and that the server has ssl on"
        )
    return StoreError(f"PostgreSQL does not answer ({type(failed).__name__}): start it, or correct {setting}")
