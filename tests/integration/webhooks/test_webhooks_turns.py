"""One endpoint takes its share of the workers, and no more."""

from __future__ import annotations

from collections import Counter

from shared.webhooks.payloads import EventType
from shared.webhooks.sender import MOST_AT_ONCE
from shared.webhooks.transport import Answer


class Hanging:
    """A transport that answers when a worker has taken each of the tasks that are left."""

    def __init__(self, hooks, tasks):
        self.hooks, self.left = hooks, iter(tasks)
        self.under_way, self.most = Counter(), Counter()

    def post(self, url, headers, body):
        self.under_way[url] += 1
        self.most[url] = max(self.most[url], self.under_way[url])
        for task in self.left:
            self.hooks.deliver(task)
        self.under_way[url] -= 1
        return Answer(200)


def test_an_endpoint_that_hangs_takes_its_share_of_the_workers_and_the_rest_follows(hooks):
    hanging, other = hooks.add("/hanging").url, hooks.add("/other", types=["job.failed"]).url
    for number in range(MOST_AT_ONCE + 3):
        hooks.happen(f"job_{number}")
    hooks.happen("job_failed", EventType.JOB_FAILED)
    first, *others = hooks.tasks()
    hooks.transport = Hanging(hooks, others)
    hooks.deliver(first)
    assert hooks.transport.most == {hanging: MOST_AT_ONCE, other: 1}
    while hooks.work():
        pass
    assert {each.state for each in hooks.deliveries()} == {"delivered"}
    assert hooks.transport.most == {hanging: MOST_AT_ONCE, other: 1}
