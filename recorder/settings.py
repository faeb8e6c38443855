"""What a user can choose for a recording, and the checks that need no network."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ..cassettes import Certificate, Fault, RedactionRules, Target, UsageError
from .address import Address
from .rotation import Rotation
from .route import Route
from .selection import EVERYTHING, Selection
from .tunnel import Proxy

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
    target_socket: Path | None = None  # a Unix socket where the target listens
    tls: Certificate | None = None  # with it, clients are spoken to by TLS
    client_cert: Certificate | None = None  # for a target that asks for one
    ca: Path | None = None  # PEM, trusted beside the system's store
    insecure: bool = False  # trust any certificate of the upstream
    redact: bool = True
    rules: RedactionRules = field(default_factory=RedactionRules)  # beyond the ones that always hold
    allow_unsafe: bool = False  # keep a cassette in which a known secret still stands
    keep_secrets: Path | None = None
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    selection: Selection = EVERYTHING
    rotation: Rotation | None = None  # None: one cassette
    max_message: int | None = None  # bytes of a message that are stored, None for all
    faults: tuple[Fault, ...] = ()  # to be put into the traffic
    fault_seed: int = 0
    max_duration: float | None = None  # seconds after which `run` ends the recording

    def route(self, environment: Mapping[str, str]) -> Route:
        """How to reach the target. Raises FileError and UsageError for bad files and a bad proxy."""
        return Route(
            target=self.target,
            tls=self.target.tls_context(ca=self.ca, insecure=self.insecure, client=self.client_cert),
            socket=self.target_socket,
            proxy=None if self.target_socket is not None else Proxy.from_environment(self.target, environment),
        )

    def listening_tls(self) -> ssl.SSLContext | None:
        """How to speak TLS with clients, None for plain. Raises FileError and UsageError for bad files."""
        if self.tls is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # The recorder speaks HTTP/1.1, so nothing else must be agreed on.
        context.set_alpn_protocols(["http/1.1"])
        self.tls.load(context, "--tls-cert")
        return context

    def header_notes(self) -> dict[str, str]:
        """The notes for the cassette's header: the user's, and what a reviewer has to know."""
        notes: dict[str, str] = {}
        if self.insecure and self.target.tls:
            notes["insecure"] = "the target's certificate was not checked"
        if self.faults:
            notes["faults"] = " ".join(fault.spec for fault in self.faults)
            notes["fault-seed"] = str(self.fault_seed)
        return {**notes, **self.notes}


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
