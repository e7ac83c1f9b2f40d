"""SHA-256 of files, remembered while the file system says that they are the same.

A landing folder keeps years of deliveries, and every load has to know whether one of them changed under its name.
Reading them all each time would cost more than loading. The memory is a mere cache: remove it whenever you like.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

_SETTLED_NS = 2_000_000_000
"""A file that changed less than two seconds ago may change again within one tick of its clock: it isn't remembered."""


@dataclass(frozen=True, slots=True)
class ContentHashes:
    """Hashes by device, inode, size and both times; the change time can't be set by anybody."""

    memory: Path

    def of(self, path: Path) -> str:
        """SHA-256 of the content, in hexadecimal. Raises OSError where the file can't be read."""
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            key = f"{state.st_dev}:{state.st_ino}:{state.st_size}:{state.st_mtime_ns}:{state.st_ctime_ns}"
            if known := self._recall(key):
                return known
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if time.time_ns() - state.st_ctime_ns > _SETTLED_NS:
            self._remember(key, digest)
        return digest

    def _recall(self, key: str) -> str | None:
        if not self.memory.exists():
            return None
        try:
            with closing(self._open()) as database:
                row = database.execute("select digest from digests where key = ?", [key]).fetchone()
        except sqlite3.Error:
            return None
        return row[0] if row else None

    def _remember(self, key: str, digest: str) -> None:
        """Without a memory everything works, only slower: so a full disk or a locked file is no error here."""
        try:
            self.memory.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._open()) as database, database:
                database.execute("create table if not exists digests (key text primary key, digest text not null)")
                database.execute("insert or replace into digests values (?, ?)", [key, digest])
        except (sqlite3.Error, OSError):
            return

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.memory, timeout=1.0)
