"""String formats and identifier prefixes, recognised strictly.

What is recognised here must be accepted by every validator of the format (jsonschema's checkers and jsonschema-rs),
so that a contract never rejects a sample that it was learned from; the reverse need not hold.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache

from ..cassettes import PLACEHOLDER

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][01][0-9]:[0-5][0-9])"
)
_HOST = r"[a-z0-9](?:[a-z0-9-]{0,60}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,60}[a-z0-9])?)*"
_URI = re.compile(
    rf"(?:https?|wss?|ftp)://{_HOST}(?::[0-9]{{1,5}})?(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{{2}})*)?"
    r"(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
)
_EMAIL = re.compile(r"[A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*@[a-z][a-z0-9-]{0,30}[a-z0-9](?:\.[a-z]{2,10})+")

_PREFIXED = re.compile(
    r"([A-Za-z][A-Za-z_-]*[_-])"
    r"(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(?=[A-Za-z]*[0-9])[A-Za-z0-9]+)"
)
_OPAQUE_ID = re.compile(r"[0-9a-fA-F]{16,}|(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9]{12,64}")
_ID_KEY = re.compile(r"(?:^|[_.-])(?:id|uuid|guid|ref)$|[a-z0-9](?:Id|ID|Uuid|UUID|Ref)$")

_NAME_KEY = re.compile(
    r"symbol|ticker|instrument|market|pair|channel|topic|room|stream|feed|thread|conversation|subscription|session|task"
)

FORMATS = ("uuid", "date-time", "date", "email", "uri")
ALL_FORMATS = frozenset(FORMATS)


def matches(format_: str, text: str) -> bool:
    """Tell whether a text is of one of `FORMATS`, or the placeholder of a secret that was."""
    if text[:2] == "{{" and (hidden := PLACEHOLDER.fullmatch(text)) is not None:
        return _redacted_format(hidden[1]) == format_
    match format_:
        case "uuid":
            return len(text) == 36 and _UUID.fullmatch(text) is not None
        case "date-time":
            return _DATE_TIME.fullmatch(text) is not None and _is_moment(text)
        case "date":
            return len(text) == 10 and _DATE.fullmatch(text) is not None and _is_day(text)
        case "email":
            return "@" in text and len(text) < 200 and _EMAIL.fullmatch(text) is not None
        case _:
            return "://" in text[:8] and len(text) < 2000 and _URI.fullmatch(text) is not None and _has_port(text)


def formats_of(text: str, among: frozenset[str] = ALL_FORMATS) -> frozenset[str]:
    """Return the formats that a text is of."""
    if len(among) == 1:  # the usual case: what all texts before were of
        (format_,) = among
        return among if matches(format_, text) else frozenset()
    return frozenset(format_ for format_ in among if matches(format_, text))


def may_hide(text: str, format_: str | None = None) -> bool:
    """Tell whether a text is the placeholder of a secret that may have been anything, or of ``format_``.

    Redaction marks what was a UUID or an e-mail address, so a placeholder without the mark was none.
    """
    hidden = PLACEHOLDER.fullmatch(text) if text[:2] == "{{" else None
    return hidden is not None and (format_ not in ("uuid", "email") or _redacted_format(hidden[1]) == format_)


def _redacted_format(name: str) -> str | None:
    """The format of the value behind a placeholder's name, as far as its kind tells."""
    kind = name.rpartition(":")[0]
    return "uuid" if kind.endswith(".uuid") else "email" if kind == "email" else None


def id_prefix(text: str) -> str | None:
    """Return "run_" for "run_7f3a": a word and a separator before something that looks like an identifier."""
    found = _PREFIXED.fullmatch(text) if len(text) <= 100 else None
    return found[1] if found else None


def looks_like_id(text: str) -> bool:
    """Tell whether a text by itself looks like an identifier that a machine made."""
    if not 3 <= len(text) <= 128 or " " in text:
        return False
    if text[:2] == "{{":
        return matches("uuid", text)
    return id_prefix(text) is not None or _UUID.fullmatch(text) is not None or _OPAQUE_ID.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def is_id_key(key: str) -> bool:
    """Tell whether a key promises an identifier: "id", "run_id", "runId", "message_ref"."""
    return _ID_KEY.search(key) is not None


def names_work(key: str) -> bool:
    """Tell whether a key promises the name of what a client asked for, which no machine made: "symbol", "room"."""
    return _NAME_KEY.fullmatch(key) is not None


def is_data_key(key: str) -> bool:
    """Tell whether an object's key is data and not a field's name: a number, a uuid, "user_42"."""
    return key.isdigit() or looks_like_id(key)


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(re.sub(r"\.[0-9]+", "", text))
    except ValueError:
        return False
    return True


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _has_port(text: str) -> bool:
    # A port above 65,535 is no URI for some validators.
    port = re.match(r"[a-z]+://[^/?:]*:([0-9]+)", text)
    return port is None or int(port[1]) < 65536
