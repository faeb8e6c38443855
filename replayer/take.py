"""Recordings made ready to be played: their scripts, and the values that come from outside."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..cassettes import Direction, Secrets, Session, UsageError
from ..contracts import Contract
from .bindings import ClientSource
from .confidence import agreed, constants
from .overrides import Overrides
from .script import Script, compile_script


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """A recording that is ready to be played."""

    name: str  # of the cassette
    session: Session
    script: Script
    secrets: dict[str, str]  # placeholder text -> value


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How recordings are read into scripts."""

    allowed: frozenset[str] = frozenset()  # labels of events that nothing waits for
    overrides: Overrides = field(default_factory=Overrides)
    fresh: bool = False  # the client's own identifiers are renewed


def prepare(
    recordings: Sequence[tuple[str, Session]], contract: Contract, given: Secrets, reading: Reading | None = None
) -> tuple[Take, ...]:
    """Make recordings, by name, ready. A binding that several recordings contradict is left out.

    Raises UsageError that lists the secrets which nobody gave, or names a client message that was stored in part or an
    override that fits nothing.
    """
    reading = reading or Reading()
    for name, session in recordings:
        _require_whole(name, session)

    def compiled(overrides: Overrides) -> list[tuple[str, Session, Script]]:
        return [
            (name, session, compile_script(session, contract, reading.allowed, overrides, own=reading.fresh))
            for name, session in recordings
        ]

    overrides = reading.overrides
    scripts = compiled(overrides)
    found = [script.found for _, _, script in scripts]
    common, numbers = constants(found) - overrides.sources.keys(), agreed(found)
    if common or numbers:
        scripts = compiled(replace(overrides, never=overrides.never | common, agreed=numbers))
    _require_used(overrides, [script for _, _, script in scripts])
    values = {secret: given.get(secret) for _, _, script in scripts for secret in script.secrets}
    missing = [secret for secret, value in values.items() if value is None]
    if missing:
        named = ", ".join(_placeholder(secret) for secret in missing)
        where = recordings[0][0] if len(recordings) == 1 else "the cassettes"
        raise UsageError(f"{where}: no value for {named}; give it with --secret {missing[0]}=VALUE or --secrets FILE")
    return tuple(
        Take(
            name=name,
            session=session,
            script=script,
            secrets={_placeholder(secret): values[secret] or "" for secret in script.secrets},
        )
        for name, session, script in scripts
    )


def _require_whole(name: str, session: Session) -> None:
    for connection in session.connections:
        for message in connection.messages:
            if message.direction is Direction.CLIENT and message.full_size is not None:
                raise UsageError(
                    f"{name}: connection {connection.number}: a client message of {message.full_size} bytes was stored "
                    "in part and cannot be sent; record again with a larger --max-message"
                )


def _require_used(overrides: Overrides, scripts: Sequence[Script]) -> None:
    bound = {binding.value for script in scripts for binding in script.bindings}
    for value, source in overrides.sources.items():
        if value not in bound:
            raise UsageError(
                f"--bindings: the client never sends {value!r} after it came from {source!r}; "
                "see 'wstape show --bindings' for the names of sources"
            )
    counting = {one.where for script in scripts for some in script.found.latest.values() for one in some}
    for place, counter in overrides.counters.items():
        if counter is not None and place not in counting:
            raise UsageError(f"--bindings: the client never sends {place!r}; see 'wstape show --events' for its events")


def _placeholder(secret: str) -> str:
    return f"{{{{secret:{secret}}}}}"


def renewed_identifiers(script: Script) -> dict[str, str]:
    """Make up another identifier in the form of each that the recorded client made up."""
    own = [binding for binding in script.bindings if isinstance(binding.source, ClientSource)]
    if not own:
        return {}
    from .serving.freshness import FreshIdentifiers

    identifiers = FreshIdentifiers(random.SystemRandom())
    return {str(one.value): str(identifiers.fresh(one.value, one.source.name)) for one in own}
