"""Names that stand before a secret: JSON keys, parameters and header fields.

Names are compared with case, ``_``, ``-`` and camelCase folded, so ``accessToken``, ``ACCESS-TOKEN`` and
``access_token`` are one. A name either settles the matter (`Certainty.SURE`), or only says that a value
which looks like a secret is one (`Certainty.LIKELY`): ``token`` may be a credential or a word of a language model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache


class Certainty(Enum):
    """What a name says about the value behind it."""

    SURE = auto()  # any value is a secret
    LIKELY = auto()  # a value that looks like a secret is one
    DIGITS = auto()  # a value made of a few digits is one: a PIN, a one-time code


class Place(Enum):
    """Where a name was met."""

    TEXT = auto()  # a JSON key, or a parameter in running text
    FIELD = auto()  # a parameter of a request target or a form, or a header field


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretName:
    """A name that stands before a secret. ``kind`` is what placeholders call it."""

    kind: str
    certainty: Certainty
    numeric: bool = False  # a JSON number of some digits is a secret, too


_SURE = (
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "secret_key",
    "client_secret",
    "secret_access_key",
    "access_token",
    "refresh_token",
    "id_token",
    "auth_token",
    "api_token",
    "session_token",
    "bearer_token",
    "security_token",
    "csrf_token",
    "xsrf_token",
    "api_key",
    "private_key",
    "signing_key",
    "encryption_key",
    "shared_key",
    "subscription_key",
    "functions_key",
    "auth_key",
    "master_key",
    "authorization",
)
_LIKELY = ("token", "auth", "ticket", "jwt", "bearer", "credential", "credentials", "access_key", "session_key")
_DIGITS = ("pin", "otp", "totp", "cvv", "cvc", "security_code", "one_time_code", "verification_code", "mfa_code")
_FIELD_SURE = (
    "token",
    "auth",
    "ticket",
    "sig",
    "signature",
    "jwt",
    "bearer",
    "hmac",
    "amz_signature",
    "amz_credential",
)
_FIELD_LIKELY = ("key", "code", "access_key", "credential", "session", "goog_signature")

# Words that make "<word>_token" something else than a credential: pagination and the vocabulary of language models.
_NOT_BEFORE_TOKEN = frozenset(
    re.findall(
        r"\w+",
        """
        next prev previous page paging pagination continuation cursor sync skip scroll start end stop eos bos pad
        sep mask unk cls special first last input output prompt completion delta text
        """,
    )
)


def _folded(names: tuple[str, ...]) -> dict[str, str]:
    return {name.replace("_", ""): name for name in names}


_SURE_FOLDED, _LIKELY_FOLDED, _DIGITS_FOLDED = _folded(_SURE), _folded(_LIKELY), _folded(_DIGITS)
_FIELD_SURE_FOLDED, _FIELD_LIKELY_FOLDED = _folded(_FIELD_SURE), _folded(_FIELD_LIKELY)
_SURE_ENDINGS = tuple(f"_{name}" for name in _SURE if name not in {"pwd", "authorization"})
_ASKING = ("has_", "is_", "needs_", "requires_", "show_", "hide_", "uses_")  # what follows is yes or no
_RUN_TOGETHER = ("password", "passwd", "passphrase", "apikey")  # no harmless word ends so: "userpassword"

TEXT_NAMES = _SURE + _LIKELY + _DIGITS
"""With one of these ends every name behind which running text is searched."""

VOCABULARY = frozenset(_SURE + _LIKELY + _DIGITS + _FIELD_SURE + _FIELD_LIKELY) | frozenset(
    re.findall(
        r"\w+",
        """
        string number integer object message content connect connected disconnect session status service server
        client response request result method params default unknown undefined required optional bearer basic
        digest cookie header headers update updated create created delete deleted stream channel subscribe
        subscribed account system assistant function example invalid expired missing success failed
        """,
    )
)
"""Words that protocols are made of. A password that is one is hidden at its key, not wherever the word stands."""


def snake(name: str) -> str:
    """``accessToken``, ``Access-Token`` and ``ACCESS_TOKEN`` as ``access_token``, in at most 60 characters."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")[:60]


@lru_cache(maxsize=4096)
def secret_name(name: str, place: Place = Place.TEXT) -> SecretName | None:
    """Tell whether a secret stands behind a name; None when it does not."""
    words = snake(name).removeprefix("x_")
    folded = words.replace("_", "")
    if words.startswith(_ASKING):
        return None
    if folded in _SURE_FOLDED:
        return SecretName(kind=_SURE_FOLDED[folded], certainty=Certainty.SURE, numeric=folded.startswith("pass"))
    if place is Place.FIELD:
        if folded in _FIELD_SURE_FOLDED:
            return SecretName(kind=_FIELD_SURE_FOLDED[folded], certainty=Certainty.SURE)
        if folded in _FIELD_LIKELY_FOLDED:
            return SecretName(kind=_FIELD_LIKELY_FOLDED[folded], certainty=Certainty.LIKELY)
    if folded in _LIKELY_FOLDED:
        return SecretName(kind=_LIKELY_FOLDED[folded], certainty=Certainty.LIKELY)
    if folded in _DIGITS_FOLDED:
        return SecretName(kind=_DIGITS_FOLDED[folded], certainty=Certainty.DIGITS, numeric=True)
    if words.endswith(_SURE_ENDINGS) or folded.endswith(_RUN_TOGETHER):
        numeric = "pass" in words.rpartition("_")[2]
        return SecretName(kind=words, certainty=Certainty.SURE, numeric=numeric)
    before, _, last = words.rpartition("_")
    if last in {"token", "jwt"} and before.rpartition("_")[2] not in _NOT_BEFORE_TOKEN:
        return SecretName(kind=words, certainty=Certainty.LIKELY)
    return None


_MASKED = re.compile(rb"(?:[*.]|\xe2\x80\xa2)+|[\W_]*(?:redacted|hidden|masked|filtered)[\W_]*", re.IGNORECASE)
_NO_VALUE = frozenset({b"true", b"false", b"null", b"undefined"})
_TOKEN = re.compile(rb"[A-Za-z0-9_\-.~+/=:|%$*!@]{8,}+")
_LABELLED = re.compile(rb"(?:^|[\-_.])(?:tok|token|secret|key|sess|session|auth|bearer|jwt)[\-_.]", re.IGNORECASE)
_LONE_WORD_LIMIT = 20  # longer than the pieces in which language models write


def looks_secret(value: bytes) -> bool:
    """Whether a value reads as a credential and not as a word, a sentence, a date, a number or an address.

    At least 8 characters of a token's alphabet with letters and digits; without digits, a label of its own
    (``demo-token-alice``) or more length and both cases.
    """
    if not _TOKEN.fullmatch(value) or b"://" in value:
        return False
    has_lower = re.search(rb"[a-z]", value) is not None
    has_upper = re.search(rb"[A-Z]", value) is not None
    has_digit = re.search(rb"[0-9]", value) is not None
    if has_digit and (has_lower or has_upper):
        return True
    if not (has_lower or has_upper):
        return False
    return _LABELLED.search(value) is not None or (len(value) >= _LONE_WORD_LIMIT and has_lower and has_upper)


def is_secret(name: SecretName, value: bytes) -> bool:
    """Whether the value behind a secret's name has to be hidden."""
    if not value or value in _NO_VALUE or _MASKED.fullmatch(value):
        return False
    match name.certainty:
        case Certainty.SURE:
            # PWD is also the working folder of a shell, which agents and terminals report.
            return not (name.kind == "pwd" and re.match(rb"/|[A-Za-z]:\\|~", value))
        case Certainty.LIKELY:
            return looks_secret(value)
        case Certainty.DIGITS:
            low, high = (3, 4) if name.kind in {"cvv", "cvc"} else (4, 10)
            return value.isdigit() and low <= len(value) <= high
