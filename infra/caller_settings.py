"""From the hub's settings to those of the call machinery."""

from pathlib import Path

from infra.settings import Settings
from providers.exchange import CallerSettings
from schemas.errors import SettingsError


def caller_settings(settings: Settings) -> CallerSettings:
    """Limits for one worker.

    Raises:
        SettingsError: integrations name different files of authorities, which one process cannot trust apart.
    """
    files = sorted({item.ca_file for item in settings.integrations if item.ca_file is not None})
    if len(files) > 1:
        raise SettingsError(
            f"KOLAJ_INTEGRATIONS: one ca_file serves the whole process; put {' and '.join(files)} into one"
        )
    return CallerSettings(
        ca_file=Path(files[0]) if files else None,
        quota=max(settings.max_in_flight // 2, 1),
        pool_size=settings.max_in_flight,
    )
