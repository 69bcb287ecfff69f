"""Starting a cloud that is struck later: its functions and engines are up before the first row."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator

from local.testing import new_folder, run_local
from tests.faults.harness.cloud import FaultCloud
from tests.faults.harness.run import Run


@contextlib.contextmanager
def fault_cloud() -> Iterator[FaultCloud]:
    """A cloud of its own that has translated one picture; gone at the end."""
    folder = new_folder()
    try:
        made = FaultCloud(folder)
    except BaseException:
        run_local("reset", "--state", str(folder))
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        run = Run(made, 0)
        run.create(run.picture(known=False))
        run.create()
        run.settle()
        if set(run.jobs().values()) != {"completed"} or run.bought("BatchAnnotateImages") != 1:
            raise AssertionError(
                f"the cloud cannot translate a picture, or does not know what is bought:\n{made.cloud.logs()}"
            )
        made.queues.sweep()
        yield made
    finally:
        made.stop()
