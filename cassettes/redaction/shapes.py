"""Secrets that are known by their shape alone, wherever they stand.

Every alternative consumes the whole run that it looks at, also when the run turns out to be harmless, so
that no run is looked at again from its middle: hostile text costs linear time.
"""

from __future__ import annotations

import re

from ..secrets import PLACEHOLDER_BYTES
from .names import looks_secret
from .vault import Vault

# Not in the middle of a word ("task-…" is no "sk-…" key); a letter or digit before may belong to an escape.
_EDGE = rb"(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt])|(?<=%[0-9A-Fa-f][0-9A-Fa-f]))"

_SHAPE = re.compile(
    # RFC 7519 section 3: base64url parts, the first of which is a JSON object and so begins with eyJ; RFC 7516: five.
    rb"(?P<jwt>eyJ[A-Za-z0-9_-]*+(?P<parts>\.[A-Za-z0-9_-]{4,}+\.[A-Za-z0-9_-]*+(?:\.[A-Za-z0-9_-]++){0,2}+)?+)"
    rb"|" + _EDGE + rb"(?:"
    rb"(?P<api_key>sk-[A-Za-z0-9_-]{20,}+"  # OpenAI, Anthropic and those who follow them
    rb"|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}+"  # Stripe
    rb"|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,}+"  # Google
    rb"|hf_[A-Za-z0-9]{30,}+)"  # Hugging Face
    rb"|(?P<aws_access_key>(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9]))"
    rb"|(?P<slack_token>xox[a-z]-[A-Za-z0-9-]{10,}+)"
    rb"|(?P<github_token>gh[opusr]_[A-Za-z0-9]{30,}+|github_pat_[A-Za-z0-9_]{22,}+)"
    rb"|(?P<gitlab_token>glpat-[A-Za-z0-9_-]{20,}+)"
    rb"|(?P<npm_token>npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])))"
    rb"|(?i:bearer)(?: {1,4}+|%20|\+)(?P<bearer>[A-Za-z0-9_\-.~+/]++=*+)"
    rb"|://[^/\s:@\"'\\]{1,64}+:(?P<password>[^/\s@\"'\\{}]{1,128}+)@"  # RFC 3986 section 3.2.1: userinfo
)
_STEMS = (
    b"eyJ",
    b"sk-",
    b"k_live_",
    b"k_test_",
    b"AIza",
    b"ya29.",
    b"hf_",
    b"AKIA",
    b"ASIA",
    b"xox",
    b"ghp_",
    b"gho_",
    b"ghu_",
    b"ghs_",
    b"ghr_",
    b"github_pat_",
    b"glpat-",
    b"npm_",
)
_KEY_BODY = re.compile(rb"[A-Za-z0-9]{12,}+")
_BEARER_LENGTH = 12


def redact_shapes(data: bytes, lowered: bytes, vault: Vault) -> bytes:
    """Replace what has the shape of a credential. ``lowered`` is the data in lower case, for the first look."""
    for stem in _STEMS:
        if stem in data:
            break
    else:
        if b"bearer" not in lowered and not (b"@" in data and b"://" in data):
            return data

    def replace(match: re.Match[bytes]) -> bytes:
        kind = match.lastgroup
        if kind == "parts" or kind is None:
            kind = "jwt"
        value = match[kind]
        if PLACEHOLDER_BYTES.search(match[0]) is not None or not _holds(kind, match):
            return match[0]
        start = match.start(kind) - match.start()
        return match[0][:start] + vault.learn(kind, value) + match[0][start + len(value) :]

    return _SHAPE.sub(replace, data)


def _holds(kind: str, match: re.Match[bytes]) -> bool:
    value = match[kind]
    match kind:
        case "jwt":
            return match["parts"] is not None and len(value) - len(match["parts"]) >= 10
        case "api_key" if value.startswith(b"sk-"):  # "sk-" may begin a name of words, too
            return any(not body.isalpha() for body in _KEY_BODY.findall(value))
        case "bearer":
            return len(value) >= _BEARER_LENGTH and looks_secret(value)
        case _:
            return True
