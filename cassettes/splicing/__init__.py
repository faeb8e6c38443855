"""Values put in the place of others in JSON, MessagePack and CBOR, with every other byte as it was.

A replayed message differs from the recorded one only in the values that this build issues, and a redacted one only in
its secrets: neither is decoded and written anew, which would change spacing, order, widths and whatever a decoder does
not keep.
"""

from __future__ import annotations

from .cbor import Cbor
from .framing import join_by_lengths, join_by_places, split_by_lengths, split_by_places
from .json import Json
from .messagepack import MessagePack
from .splice import Leaf, Notation, Path, Scalar, Step, Value, key_text, splice

__all__ = [
    "Cbor",
    "Json",
    "Leaf",
    "MessagePack",
    "Notation",
    "Path",
    "Scalar",
    "Step",
    "Value",
    "join_by_lengths",
    "join_by_places",
    "key_text",
    "splice",
    "split_by_lengths",
    "split_by_places",
]
