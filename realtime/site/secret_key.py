"""The key that signs sessions, cached values and messages between nodes."""

import os
import secrets
import stat
from pathlib import Path

from realtime.site.environment import Environment


def secret_key(env: Environment, *, debug: bool, var: Path) -> str:
    """Return ``SECRET_KEY``; with DEBUG one is generated and kept under ``var``."""
    key = env.text("SECRET_KEY", "")
    if key:
        return key
    if not debug:
        env.require(
            "SECRET_KEY",
            "a random string of at least 50 characters "
            "(with DEBUG=true one is generated and kept under var/)",
        )
    path = var / "secret_key"
    if not path.exists():
        _generate(path)
    return path.read_text().strip()


def _generate(path: Path) -> None:
    path.parent.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
    draft = path.with_name(f"secret_key.{os.getpid()}")
    draft.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
    draft.write_text(secrets.token_urlsafe(50))
    try:
        # Never overwrites: two processes that start together both use the key of the first.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
