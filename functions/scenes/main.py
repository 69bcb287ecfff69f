"""/v1/scenes: what was read in a job's picture, where it stands, and what it became."""

from __future__ import annotations

from shared.context import Context
from shared.edge import http
from shared.edge.http import mount
from shared.jobs.schemas import JobId
from shared.scenes.errors import SceneNotFound
from shared.scenes.schemas import Scene


@http.get("/{job_id}", auth="jobs:read", rate="300/minute", errors=[SceneNotFound])
def get_scene(ctx: Context, job_id: JobId) -> Scene:
    """Read the scene of a job, with the translations made so far."""
    return ctx.scenes.get(job_id)


scenes = mount("scenes", get_scene)
