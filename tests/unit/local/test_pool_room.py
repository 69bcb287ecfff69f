"""Who makes room when all instances are taken: real processes of functions, without a gateway."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from local.gateway.pool import FunctionPool
from local.services.processes import Nursery

SOURCE = """
import functions_framework

@functions_framework.http
def {name}(request):
    return ""
"""


def alive_after(root: Path, calls: list[str], kept: set[str], limit: int) -> set[str]:
    """The functions alive when these were called one after the other."""
    for name in calls:
        folder = root / "functions" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "main.py").write_text(SOURCE.format(name=name))
    environment = {"PATH": os.environ["PATH"], "HOME": str(root)}

    async def scenario() -> set[str]:
        nursery = Nursery()
        pool = FunctionPool(nursery, root, lambda _: environment, kept=kept, limit=limit, root=root)
        try:
            for name in calls:
                async with pool.lease(name):
                    pass
            return {instance["name"] for instance in pool.status()}
        finally:
            await pool.close()
            nursery.close()

    return asyncio.run(scenario())


def test_the_pipeline_stays_while_another_function_can_go(tmp_path: Path) -> None:
    assert alive_after(tmp_path, ["worker", "front", "third"], {"worker"}, 2) == {"worker", "third"}


def test_the_pipeline_makes_room_when_nothing_else_can_go(tmp_path: Path) -> None:
    assert alive_after(tmp_path, ["worker", "front"], {"worker"}, 1) == {"front"}
