"""Settings with which the api's server refuses to start."""

from __future__ import annotations

import pytest

from core.errors import ConfigurationError
from core.server_settings import ServerSettings


def test_without_the_front_no_proxy_can_be_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_FRONT", "false")
    assert ServerSettings.from_env().front is False
    monkeypatch.setenv("TRUSTED_PROXIES", "1")

    with pytest.raises(ConfigurationError, match="X_Forwarded_For"):
        ServerSettings.from_env()
