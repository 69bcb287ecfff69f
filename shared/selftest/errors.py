"""What the self-test tells instead of a result that is good."""

from __future__ import annotations

from shared.core.errors import NotFound, TransientError
from shared.selftest.schemas import SelfTest


class NotTestedYet(NotFound):
    """No self-test has ended yet."""


class SelfTestFailed(TransientError):
    """The newest self-test failed or is too old; the problem's member `selftest` is what came of it."""

    slug, title = "selftest-failed", "Self-test failed"

    def __init__(self, detail: str, result: SelfTest) -> None:
        """`result` is the newest self-test that ended."""
        super().__init__(detail)
        self.result = result

    @property
    def members(self) -> dict[str, object]:
        """The whole result."""
        return {"selftest": self.result.model_dump(mode="json")}
