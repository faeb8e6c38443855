"""Text from recordings is untrusted: what of it may reach a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Escape what could drive a terminal or disguise text: controls, bidirectional marks, line ends, surrogates."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def _escape(character: str) -> str:
    common = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    code = ord(character)
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return common.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
