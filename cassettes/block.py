"""The frame of a ``.cassette`` file: a preamble, then blocks that each stand alone.

The layout is described byte by byte in docs/cassette-format.md. All integers are little-endian.

preamble (20 bytes)
    magic ``89 77 73 74 61 70 65 0A``, u16 format version, u16 reserved (0), u32 salt, u32 CRC-32 of the 16 bytes
    before.

block (24 bytes, then the stored bytes)
    marker ``AB 57 53 42``, u8 codec, u8 content, u16 reserved (0), u32 index from 0, u32 stored length, u32 raw length,
    u32 CRC-32 of the 20 bytes before and the stored bytes, begun with the salt.

The salt makes a block of another cassette (a cassette can travel inside a recorded message) fail the CRC here,
so that the search for the next whole block after a damaged one cannot take it for ours.
"""

from __future__ import annotations

import struct
import threading
from dataclasses import dataclass
from typing import BinaryIO

import zstandard

try:
    # A tenth of zlib's time, which is a sixth of all that a large message costs.
    from isal.isal_zlib import crc32  # pyright: ignore[reportUnknownVariableType]  # its stub leaves out a type
except ImportError:
    from zlib import crc32

MAGIC = b"\x89wstape\n"
FORMAT_VERSION = 1
MARKER = b"\xabWSB"

_PREAMBLE = struct.Struct("<8sHHII")
_BLOCK = struct.Struct("<4sBBHIIII")
PREAMBLE_SIZE = _PREAMBLE.size
BLOCK_HEADER_SIZE = _BLOCK.size

RECORDS = 0  # content: msgpack records, one after the other
LARGE = 1  # content: u32 length of a msgpack record without its payload, the record, the payload

MAX_RECORDS = 4 << 20
"""Raw bytes in a block of records. Small, because hostile msgpack grows some twenty-fold when it is decoded."""
MAX_LARGE = 32 << 20
"""Raw bytes in a block that holds one large message. A command that rewrites one holds it half a dozen times."""

CODEC_NONE = 0
CODEC_ZSTD = 1


class BlockError(Exception):
    """Bytes that are not a whole block; the message says why. ``looked_at`` is how many were read to find out."""

    def __init__(self, problem: str, looked_at: int = 0) -> None:
        super().__init__(problem)
        self.looked_at = looked_at


@dataclass(frozen=True, slots=True)
class Block:
    """One block as it lies in the file. ``offset`` and ``size`` are in bytes of the file."""

    index: int
    content: int
    raw: bytes
    offset: int
    size: int


def encode_preamble(salt: int, version: int = FORMAT_VERSION) -> bytes:
    """Return the 20 bytes that begin a file."""
    head = _PREAMBLE.pack(MAGIC, version, 0, salt, 0)[:16]
    return head + struct.pack("<I", crc32(head))


def decode_preamble(data: bytes) -> tuple[int, int]:
    """Return format version and salt. Raises BlockError when the bytes are not a preamble."""
    if not data.startswith(MAGIC):
        raise BlockError("not a cassette")
    if len(data) < PREAMBLE_SIZE:
        raise BlockError("the file ends inside its first 20 bytes")
    _, version, _, salt, crc = _PREAMBLE.unpack_from(data)
    if crc32(data[:16]) != crc:
        raise BlockError("the first 20 bytes are damaged")
    return version, salt


class _OfThread(threading.local):
    """A compressor must not be used by two threads at once, and is too dear to be made for each block."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=1)


_of_thread = _OfThread()


def encode_block(index: int, content: int, raw: bytes, salt: int, *, squeeze: bool = True) -> bytes:
    """Return a block, compressed when that makes it smaller; with ``squeeze`` False, it is not tried."""
    return b"".join(block_pieces(index, content, raw, salt, squeeze=squeeze))


def block_pieces(index: int, content: int, raw: bytes, salt: int, *, squeeze: bool = True) -> tuple[bytes, bytes]:
    """Return what `encode_block` joins: the header and the stored bytes, which may be ``raw`` itself."""
    stored, codec = raw, CODEC_NONE
    if squeeze:
        compressed = _of_thread.compressor.compress(raw)
        if len(compressed) < len(raw):
            stored, codec = compressed, CODEC_ZSTD
    head = _BLOCK.pack(MARKER, codec, content, 0, index, len(stored), len(raw), 0)[:20]
    crc = crc32(stored, crc32(head, salt))
    return head + struct.pack("<I", crc), stored


def read_block(file: BinaryIO, offset: int, salt: int) -> Block | None:
    """Read the block at ``offset``; None at the end of the file.

    Reads and inflates no more than the limits allow, whatever the header claims. Raises BlockError when
    there is no whole block there.
    """
    file.seek(offset)
    head = file.read(BLOCK_HEADER_SIZE)
    if not head:
        return None
    if len(head) < BLOCK_HEADER_SIZE:
        raise BlockError("the file ends inside a block header")
    marker, codec, content, _, index, stored_size, raw_size, crc = _BLOCK.unpack(head)
    if marker != MARKER:
        raise BlockError("no block begins here")
    limit = {RECORDS: MAX_RECORDS, LARGE: MAX_LARGE}.get(content)
    if limit is None or codec not in (CODEC_NONE, CODEC_ZSTD):
        raise BlockError("the block is of an unknown kind")
    if raw_size > limit or stored_size > raw_size or (codec == CODEC_NONE and stored_size != raw_size):
        raise BlockError("the block's lengths are impossible")
    stored = file.read(stored_size)
    if len(stored) < stored_size:
        raise BlockError("the file ends inside a block", len(stored))
    if crc32(stored, crc32(head[:20], salt)) != crc:
        raise BlockError("the block's checksum does not fit", stored_size)
    raw = stored if codec == CODEC_NONE else _inflate(stored, raw_size)
    return Block(index, content, raw, offset, BLOCK_HEADER_SIZE + stored_size)


def _inflate(stored: bytes, raw_size: int) -> bytes:
    try:
        # decompress() would trust the size that the zstd frame claims, so the frame is read as a stream, one byte
        # further than it may go.
        with zstandard.ZstdDecompressor(max_window_size=MAX_LARGE * 2).stream_reader(stored) as reader:
            raw = reader.read(raw_size + 1)
    except zstandard.ZstdError as error:
        raise BlockError("the block does not inflate", len(stored)) from error
    if len(raw) != raw_size:
        raise BlockError("the block inflates to another length than it says", raw_size)
    return raw


def find_marker(file: BinaryIO, offset: int) -> int | None:
    """Return the offset of the next block marker at or after ``offset``, or None."""
    chunk_size = 1 << 12  # small at first: markers that begin no block may stand close together
    overlap = len(MARKER) - 1
    while True:
        file.seek(offset)
        chunk = file.read(chunk_size)
        found = chunk.find(MARKER)
        if found >= 0:
            return offset + found
        if len(chunk) < chunk_size:
            return None
        offset += chunk_size - overlap
        chunk_size = min(2 * chunk_size, 1 << 20)
