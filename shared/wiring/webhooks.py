"""Messages to customers."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shared.wiring.clients import webhook_seal, webhook_transport
from shared.wiring.request import Request

if TYPE_CHECKING:
    from shared.webhooks.sender import WebhookSender
    from shared.webhooks.service import WebhookService


class WebhookServices(Request):
    """What tells customers of events."""

    @cached_property
    def webhooks(self) -> WebhookService:
        """Webhooks as callers use them."""
        from shared.webhooks.service import WebhookService

        return WebhookService(lambda: self.uow, webhook_transport(), webhook_seal())

    @cached_property
    def webhook_sender(self) -> WebhookSender:
        """The worker of webhooks."""
        from shared.webhooks.sender import WebhookSender

        return WebhookSender(self.open, webhook_transport(), webhook_seal())
