"""Files of other tools, told apart by what is in them."""

from __future__ import annotations

import re
from enum import StrEnum

HEAD = 4096
"""Bytes that `recognise` wants to see of a file."""

_MEMBER = re.compile(rb"(?:version|interactions|(?:ws|grpc)_interactions)[ ]*:")


class Foreign(StrEnum):
    """Formats of other tools; the value is what people call it."""

    HAR = "HAR"
    ZIPPED_HAR = "zipped HAR"
    FLOWS = "mitmproxy flow file"
    CASSETTER = "cassetter cassette"


def recognise(head: bytes) -> Foreign | None:
    """Tell whose file it is by its first bytes, `HEAD` of them; None when nobody's that is known here."""
    if head.startswith(b"PK\x03\x04"):
        return Foreign.ZIPPED_HAR
    if re.match(rb"[0-9]{1,12}:", head):
        return Foreign.FLOWS
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"{"):
        # A twin's lines are whole objects that name their record; a HAR's first member is its log.
        twin = re.match(rb'\{[^\n]*"record"[ ]*:', start)
        return Foreign.HAR if re.search(rb'"log"\s*:\s*\{', start) and not twin else None
    lines = [line for line in start.splitlines() if line.strip() and not line.startswith((b"#", b"---"))]
    return Foreign.CASSETTER if lines and _MEMBER.match(lines[0]) else None
