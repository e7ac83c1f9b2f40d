"""The bytes of a file, unpacked where it is compressed, with the hash of what was delivered taken on the way."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from alerting_pipeline.domain.loading import Unreadable

CHUNK = 256 * 1024
_GZIP = 31  # window bits of zlib that mean: with a gzip header and its checksum


class ByteStream:
    """An open file read once, from start to end. One pass gives both the rows and the content's hash."""

    def __init__(self, file: BinaryIO, *, is_gzip: bool) -> None:
        self._file = file
        self._is_gzip = is_gzip
        self._hash = hashlib.sha256()

    @property
    def content_hash(self) -> str:
        """SHA-256 of the bytes read so far, as delivered."""
        return self._hash.hexdigest()

    def chunks(self) -> Iterator[bytes]:
        """The unpacked content in pieces. Raises Unreadable where a compressed file breaks off or is damaged."""
        return self._unpacked() if self._is_gzip else self._raw()

    def _raw(self) -> Iterator[bytes]:
        while chunk := self._file.read(CHUNK):
            self._hash.update(chunk)
            yield chunk

    def _unpacked(self) -> Iterator[bytes]:
        """A gzip file may have several members, one after the other, and zeros at its end."""
        member = zlib.decompressobj(_GZIP)
        is_begun, members = False, 0
        for chunk in self._raw():
            while chunk:
                if not is_begun and members and not (chunk := chunk.lstrip(b"\0")):
                    break
                is_begun = True
                try:
                    yield from _pieces(member, chunk)
                except zlib.error as error:
                    reason = str(error).rpartition(": ")[2]
                    raise Unreadable(f"the gzip data is damaged ({reason})", remedy="have it delivered again") from None
                chunk = b""
                if member.eof:
                    chunk, member = member.unused_data, zlib.decompressobj(_GZIP)
                    is_begun, members = False, members + 1
        if is_begun or not members:
            raise Unreadable(
                "the gzip data breaks off before its end",
                remedy="it is still being written, or was cut short: it is tried again at the next load",
            )


def _pieces(member: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    """Unpack in bounded pieces: a few bytes may stand for gigabytes."""
    while packed and not member.eof:
        if piece := member.decompress(packed, 4 * CHUNK):
            yield piece
        packed = member.unconsumed_tail
