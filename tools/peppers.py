"""How many API keys are under which pepper: python -m tools.peppers.

Tells when an older pepper may leave KEY_PEPPER: a key moves to the first one when it is used, and one that
never did is worthless once its pepper is gone. Runs inside the private network as the migrations do. Reads
MIGRATIONS_URL and KEY_PEPPER; prints numbers, and no secret.
"""

from __future__ import annotations

import os
import sys

from sqlalchemy import Engine, create_engine, text

from shared.auth.api_keys import pepper_mark
from shared.core.config import KeySettings
from shared.db.migrate import SYSTEM

# A secret that was replaced counts while it is good.
_COUNT = """
select secret.pepper, count(*) from api_keys,
  lateral (values (pepper, true), (previous_pepper, previous_until > clock_now())) as secret (pepper, good)
where revoked_at is null and (expires_at is null or expires_at > clock_now()) and secret.good
group by secret.pepper
"""


def counted(engine: Engine, peppers: list[str]) -> dict[str, int]:
    """How many live secrets are under each of `peppers`, by its place, and how many under none of them.

    Those were made before it was noted, or under a pepper that is not there any more. `engine` logs in as
    the user that migrates, who may take on the system's role; no function may.
    """
    marks = {pepper_mark(pepper): f"pepper {number}" for number, pepper in enumerate(peppers, 1)}
    found = dict.fromkeys([*marks.values(), "unknown"], 0)
    with engine.connect() as connection:
        connection.execute(text(f"grant {SYSTEM} to current_user"))
        connection.execute(text(f"set local role {SYSTEM}"))
        for pepper, count in connection.execute(text(_COUNT)):
            found[marks.get(bytes(pepper) if pepper else b"", "unknown")] += count
        # Nothing is kept, the membership included.
        connection.rollback()
    return found


def main() -> int:
    """Run the command."""
    engine = create_engine(os.environ["MIGRATIONS_URL"])
    try:
        found = counted(engine, KeySettings.load().peppers)
    finally:
        engine.dispose()
    for place, count in found.items():
        print(f"{place:9} {count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
