"""A first look at bytes: whether the closer looks could find anything in them.

Most messages hold no secret, and this look is all that they cost. It is right when it says no: every name and shape
that the other modules know has its mark here, which tests hold. It works on a whole batch of messages as
well as on one. Searches for a single byte and cuts at one cost next to nothing; that is why the marks are looked for
around the bytes that are rare or that divide.
"""

from __future__ import annotations

import re

from .names import TEXT_NAMES

_MOST = 8 << 20  # bytes; cut at its dividers, what is made to harm takes twelve times its size
_DIVIDERS = b'":='
_KEPT = bytes(range(ord("0"), ord("9") + 1)) + bytes(range(ord("a"), ord("z") + 1)) + _DIVIDERS
_FOLD = bytes(range(256)).lower()
_DROPPED = bytes(code for code in range(256) if _FOLD[code] not in _KEPT)

# Only letters, digits and dividers are left, in lower case, so that "pass-word" :, PASSWORD": and \\"password\\": look
# the same; of an escaped blank after the quote its letter stays: n, r or t.
_BLANKS = (b"", b"n", b"r", b"t")
_NAMES = tuple(name.replace("_", "").encode() for name in TEXT_NAMES)
_KEYS = tuple(name + b'"' + blank for name in _NAMES for blank in _BLANKS)
_KEY_ENDS = frozenset(key[-4:] for key in _KEYS)  # asked first: one look instead of a hundred
_NAME_ENDS = frozenset(name[-3:] for name in _NAMES)

_AFTER_UNDERSCORE = re.compile(rb"_(?:(?<=[sr]k_)(?:live|test)_|(?<=hf_)|(?<=gh[opusr]_)|(?<=npm_)|(?<=github_)pat_)")
_AFTER_DASH = re.compile(rb"-(?:(?<=sk-)|(?<=xox[a-z]-)|(?<=glpat-))")
_AFTER_A = re.compile(rb"A(?:Iza|KIA|SIA)")


def suspicious(data: bytes) -> bool:
    """Whether a secret could be found in running text or JSON by its name or its shape."""
    if len(data) > _MOST:
        return True
    folded = data.translate(_FOLD, _DROPPED)
    for piece in folded.split(b":")[:-1]:
        if piece[-4:] in _KEY_ENDS and piece.endswith(_KEYS):
            return True
    if b"=" in data:
        for piece in folded.split(b"=")[:-1]:
            if piece[-3:] in _NAME_ENDS and piece.endswith(_NAMES):
                return True
    return (
        (b"A" in data and _AFTER_A.search(data) is not None)
        or (b"J" in data and b"eyJ" in data)
        or (b"_" in data and _AFTER_UNDERSCORE.search(data) is not None)
        or (b"-" in data and _AFTER_DASH.search(data) is not None)
        or (b"@" in data and b"://" in data)
        or b"bearer" in folded
        or b"u00" in folded
        or b"ya29" in folded
    )
