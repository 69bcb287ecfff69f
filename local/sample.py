"""The sample photo of `python -m local run`."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from local.state import REPOSITORY

if TYPE_CHECKING:
    from local.runner import Runner

WAY = ("jobs", "on_upload", "process_image")
SAMPLE = REPOSITORY / "local" / "samples" / "wet-floor.jpg"


async def translate_sample(runner: Runner) -> None:
    """Translate the sample from English to Spanish by the command a user would type, and say where it is."""
    for activator in runner.activators:
        activator.warm()
    for name in WAY:
        runner.gateway.pool.warm(name)
    folder = runner.state.folder / "samples"
    folder.mkdir(exist_ok=True)
    copy = Path(shutil.copy(SAMPLE, folder))
    arguments = ["translate", str(copy), "--from", "en", "--to", "es", "--state", str(runner.state.folder)]
    began = time.monotonic()
    print(f"translating {copy.name} from en to es", flush=True)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "local", *arguments, cwd=REPOSITORY, stdout=asyncio.subprocess.DEVNULL
    )
    if await child.wait():
        print(f"the sample could not be translated; the logs are in {runner.state.logs}", flush=True)
        return
    result = copy.with_name(f"{copy.stem}.es{copy.suffix}")
    print(f"translated in {time.monotonic() - began:.1f} s\n  before: {copy}\n  after:  {result}", flush=True)
