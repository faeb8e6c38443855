"""How a script is to be played."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..cassettes import Headers, RedactionRules, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to play. Times in nanoseconds."""

    target: Target
    tls: ssl.SSLContext | None = None
    headers: Headers = ()  # put into every handshake and request, in place of recorded ones of the same name
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])  # placeholder text -> value
    renewed: Mapping[str, str] = field(default_factory=dict[str, str])  # recorded identifier of the client -> another
    timeout_ns: int | None = None
    speed: float | None = None  # 1.0 keeps the recorded pauses; None: as fast as the server answers
    redact: bool = True
    rules: RedactionRules = field(default_factory=RedactionRules)  # of the project, for what comes
    allowed: frozenset[str] = frozenset()  # labels of events that may come, or be left over
