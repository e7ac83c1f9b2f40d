"""The key that links in messages are signed with: made once, kept in a file that only its owner may read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from alerting_pipeline.domain.errors import AlertingError

LEAST_BYTES = 32


def kept_key(path: Path) -> bytes:
    """The key in the file; whoever comes first makes it. Raises AlertingError where it can't be read or written.

    A lost key makes the links of earlier mails worthless, so it belongs into backups of the home.
    """
    try:
        if not path.exists():
            _make(path)
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise AlertingError(
            f"The key {path} can't be used ({type(error).__name__}); mend it, or set ALERTING_SIGNING_KEY"
        ) from error
    if len(key) < LEAST_BYTES:
        raise AlertingError(f"The key {path} is too short; remove the file, and another one is made")
    return key


def _make(path: Path) -> None:
    """Written beside, then linked: two who make it at once end up with the same one, and nobody reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(LEAST_BYTES))
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
