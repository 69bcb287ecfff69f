"""What waits and what was given up."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shared.wiring.clients import queues, redis_cache
from shared.wiring.request import Request

if TYPE_CHECKING:
    from shared.backlog.letters import DeadLetterDesk
    from shared.backlog.queues import QueueDesk
    from shared.queue.failures import EventFailures


class BacklogServices(Request):
    """What the platform's own people do about it, and what is noted for them."""

    @cached_property
    def dead_letter_desk(self) -> DeadLetterDesk:
        """Events that were given up."""
        from shared.backlog.letters import DeadLetterDesk

        return DeadLetterDesk(self.open)

    @cached_property
    def queue_desk(self) -> QueueDesk:
        """Queues of tasks."""
        from shared.backlog.queues import QueueDesk

        return QueueDesk(self.open, queues)

    @cached_property
    def event_failures(self) -> EventFailures:
        """Why deliveries of events failed."""
        from shared.queue.failures import EventFailures

        return EventFailures(redis_cache())
