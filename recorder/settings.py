"""What a user can choose for a recording, and the checks that need no network."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ..cassettes import Target, UsageError
from .address import Address

LOOPBACK = Address(host="127.0.0.1", port=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that one recording run is told."""

    target: Target
    output: Path
    listen: Address = LOOPBACK
    force: bool = False  # overwrite `output`
    preserve_host: bool = False  # leave Host, Origin and Referer as the client sent them
    rewrite: bool = True  # redirects and cookie domains that name the upstream come to name the recorder
    ca: Path | None = None  # PEM, trusted beside the system's store
    insecure: bool = False  # trust any certificate of the upstream
    redact: bool = True
    keep_secrets: Path | None = None
    notes: Mapping[str, str] = field(default_factory=dict[str, str])

    def tls_context(self) -> ssl.SSLContext | None:
        """How to speak TLS with the upstream, None for a plain one. Raises FileError and UsageError for a bad CA."""
        return self.target.tls_context(ca=self.ca, insecure=self.insecure)


def default_output(target: Target, now: datetime) -> Path:
    """``cassettes/<target host>-<UTC time>.cassette``."""
    host = re.sub(r"[^A-Za-z0-9.-]+", "-", target.host).strip("-.") or "target"
    return Path("cassettes", f"{host}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.cassette")


def parse_note(text: str) -> tuple[str, str]:
    """Read ``KEY=VALUE``. Raises UsageError."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"--note {text!r} is not KEY=VALUE, such as build=1234")
    return key.strip(), value
