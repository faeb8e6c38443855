"""Secrets in ``name=value`` parameters: request targets, addresses in text, form-encoded bodies."""

from __future__ import annotations

import re
from enum import Enum
from urllib.parse import unquote_to_bytes

from ..secrets import PLACEHOLDER_BYTES
from .names import Certainty, Place, is_secret
from .vault import Vault


class Within(Enum):
    """What the parameters stand in, which says where one begins and ends."""

    TARGET = "target"
    FIELD = "field"
    FORM = "form"
    TEXT = "text"


_NAME = rb"([A-Za-z0-9_.\-\[\]%$]{1,64}+)="
_BEGINNING = {
    Within.TARGET: re.compile(rb"[?&;#]" + _NAME),
    Within.FIELD: re.compile(rb"[?&#]" + _NAME),  # an address in a header field, after ";" come the field's own
    Within.FORM: re.compile(rb"(?:\A|&)" + _NAME),
    # In JSON an ampersand may be written \u0026, in HTML &amp;.
    Within.TEXT: re.compile(rb"(?:[?&;#]|\\u0026)" + _NAME),
}
_VALUE = {
    Within.TARGET: re.compile(rb"[^&#\s]*+"),
    Within.FIELD: re.compile(rb"[^&#\s\"<>;,]*+"),
    Within.FORM: re.compile(rb"[^&\s]*+"),
    Within.TEXT: re.compile(rb"[^&#\s\"'<>\\;,(){}\[\]]*+"),
}


# Where a name alone does not settle it, a value ends where another parameter could begin: what turns out to be
# harmless is looked at again from there, and must not be looked at to its end each time.
_DOUBTFUL = re.compile(rb"[^?&#;\s\"'<>\\,(){}\[\]]*+")


def redact_parameters(data: bytes, vault: Vault, within: Within) -> bytes:
    """Replace the values of secret parameters; names and all other bytes stay."""
    beginning, ending = _BEGINNING[within], _VALUE[within]
    place = Place.TEXT if within is Within.TEXT else Place.FIELD
    pieces: list[bytes] = []
    end = 0
    match = beginning.search(data)
    while match is not None:
        position = match.end()
        name = vault.name(unquote_to_bytes(match[1]).decode("utf-8", "replace"), place)
        if name is not None and PLACEHOLDER_BYTES.match(data, position) is None:
            sure = name.certainty is Certainty.SURE
            found = (ending if sure else _DOUBTFUL).match(data, position)
            raw = b"" if found is None else found[0]
            value = unquote_to_bytes(raw.replace(b"+", b" ") if within is Within.FORM else raw)
            if is_secret(name, value):
                placeholder = vault.learn(name.kind, value, raw)
                if within is not Within.FORM and b"+" in raw:  # a blank, where a form wrote the query
                    vault.also(placeholder, unquote_to_bytes(raw.replace(b"+", b" ")))
                pieces += (data[end:position], placeholder)
                end = position + len(raw)
            if sure or end > position:
                position += len(raw)
        match = beginning.search(data, position)
    if not pieces:
        return data
    pieces.append(data[end:])
    return b"".join(pieces)
