"""Where the secrets of the registry's integrations come from."""

from agents.integrations.directory import CredentialSource
from infra.integration_settings import EnvironmentCredentials
from infra.settings import Settings


def credential_source(settings: Settings) -> CredentialSource:
    """The source that the settings name."""
    return EnvironmentCredentials(settings.variables)
