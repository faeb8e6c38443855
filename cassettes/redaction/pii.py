"""Personal data: card numbers, e-mail addresses and bank accounts, by their shapes and check digits."""

from __future__ import annotations

import re
from collections.abc import Iterator

_CARD = re.compile(rb"(?<![0-9A-Za-z.\-_])[2-6][0-9]{3}(?:[ \-]?[0-9]{2,7}){1,5}(?![0-9A-Za-z_]|[.\-][0-9])")
_EMAIL = re.compile(
    rb"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}+(?:@|%40)"
    rb"(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9\-])"
)
_IBAN = re.compile(rb"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
# Networks by first digits: Visa, Mastercard, American Express, Discover, Diners, JCB, UnionPay, Maestro.
_ISSUER = re.compile(rb"4|5[1-5]|2[2-7]|3[47]|6011|65|64[4-9]|3[068]|35|62|50|5[6-8]|6[0-9]")
_CARD_LENGTHS = {b"3"[0]: (14, 15, 16)}
_NEVER_SHOWN = frozenset({b"example.com", b"example.org", b"example.net"})


def personal(data: bytes) -> Iterator[tuple[str, int, int]]:
    """Yield kind, start and end of what reads as personal data, in the order of kinds."""
    if b"@" in data or b"%40" in data:
        for match in _EMAIL.finditer(data):
            yield "email", match.start(), match.end()
    for match in _CARD.finditer(data):
        digits = re.sub(rb"[ \-]", b"", match[0])
        lengths = _CARD_LENGTHS.get(digits[0], (13, 16, 19) if digits[:1] == b"4" else (16, 17, 18, 19))
        if len(digits) in lengths and _ISSUER.match(digits) and len(set(digits)) > 1 and luhn(digits):
            yield "card", match.start(), match.end()
    for match in _IBAN.finditer(data):
        if iban(match[0].replace(b" ", b"")):
            yield "iban", match.start(), match.end()


def luhn(digits: bytes) -> bool:
    """Whether the last digit is the check digit of ISO/IEC 7812-1 annex B."""
    total = 0
    for index, code in enumerate(reversed(digits)):
        digit = code - 48
        total += digit if index % 2 == 0 else digit * 2 - 9 * (digit > 4)
    return total % 10 == 0


def iban(text: bytes) -> bool:
    """Whether length and check digits are those of ISO 13616 (MOD 97-10 of ISO/IEC 7064)."""
    if not 15 <= len(text) <= 34:
        return False
    moved = (text[4:] + text[:4]).decode()
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1
