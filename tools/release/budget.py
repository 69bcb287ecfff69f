"""Whether a revision burns the error budget too fast: the numbers of the objective and of its fast alert."""

from __future__ import annotations

from dataclasses import dataclass

OBJECTIVE = 0.999
BURN = 14.4
FEWEST = 3
"""So many errors are no chance: below that one failed request of ten would end a release."""


@dataclass(frozen=True)
class Calls:
    """Requests that a revision answered, and how many of them with 5xx."""

    all: float
    failed: float

    @property
    def breach(self) -> bool:
        """Whether errors come faster than the fast alert allows."""
        return self.failed >= FEWEST and self.failed > self.all * (1 - OBJECTIVE) * BURN


def query(service: str, revision: str, seconds: int) -> str:
    """PromQL for a revision's requests of the last seconds by class of answer."""
    labels = f'monitored_resource="cloud_run_revision", service_name="{service}", revision_name="{revision}"'
    return (
        f"sum by (response_code_class) (increase(run_googleapis_com:request_count{{{labels}}}[{seconds}s]))"
    )


def read(answer: dict[str, object]) -> Calls:
    """From Monitoring's answer to `query`. Raises ValueError where it is no vector."""
    data = answer.get("data")
    if not isinstance(data, dict) or data.get("resultType") != "vector":
        raise ValueError("Monitoring did not answer with a vector")
    counts = {r["metric"].get("response_code_class", ""): float(r["value"][1]) for r in data["result"]}
    return Calls(sum(counts.values()), counts.get("5xx", 0.0))
