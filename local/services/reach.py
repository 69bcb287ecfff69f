"""The addresses of a running cloud, read back from its connection.json."""

from __future__ import annotations

from typing import Any

from local.services.environment import Addresses


def addresses_of(connection: dict[str, Any]) -> Addresses:
    """Where the services that the file names answer."""
    return Addresses(
        gateway=_port(connection["gateway"]),
        postgres=_port(connection["postgres"]),
        valkey=_port(connection["redis"]),
        storage=_port(connection["storage"]),
        messaging=_port(connection["pubsub"]),
        vision=_port(connection["vision"]),
        translation=_port(connection["translate"]),
        identity=_port(connection["identity"]),
        mail=_port(connection["smtp"]),
    )


def _port(address: str) -> int:
    return int(address.rsplit(":", 1)[1])
