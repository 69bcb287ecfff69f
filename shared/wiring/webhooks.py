"""Messages to customers."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shared.core.config import WebhookSettings
from shared.wiring.clients import webhook_transport
from shared.wiring.vault import VaultServices

if TYPE_CHECKING:
    from shared.webhooks.sealing import SigningSecrets
    from shared.webhooks.sender import WebhookSender
    from shared.webhooks.service import WebhookService


class WebhookServices(VaultServices):
    """What tells customers of events."""

    @cached_property
    def webhooks(self) -> WebhookService:
        """Webhooks as callers use them."""
        from shared.webhooks.service import WebhookService

        return WebhookService(lambda: self.uow, webhook_transport(), self.signing_secrets)

    @cached_property
    def webhook_sender(self) -> WebhookSender:
        """The worker of webhooks."""
        from shared.webhooks.sender import WebhookSender

        return WebhookSender(self.open, webhook_transport(), self.signing_secrets)

    @cached_property
    def signing_secrets(self) -> SigningSecrets:
        """What endpoints' secrets are encrypted with."""
        from shared.webhooks.sealing import SigningSecrets

        return SigningSecrets(self.vault, WebhookSettings.load().webhook_key)
