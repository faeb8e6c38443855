"""How applications wrap events in messages: a registry, one module an envelope.

An envelope is a class with the protocol of `Envelope`, listed in `ENVELOPES`. Adding one is a module and a line there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...cassettes import Message
from .envelope import Envelope, Payload, Reading
from .json_envelope import JsonEnvelope
from .json_rpc import JsonRpcEnvelope
from .opaque import OpaqueEnvelope
from .sample import Sample

# Of equal confidence the first is taken.
ENVELOPES: tuple[type[Envelope], ...] = (JsonRpcEnvelope, JsonEnvelope, OpaqueEnvelope)
NAMES = tuple(envelope.name for envelope in ENVELOPES)

__all__ = [
    "ENVELOPES",
    "NAMES",
    "Envelope",
    "JsonEnvelope",
    "JsonRpcEnvelope",
    "OpaqueEnvelope",
    "Payload",
    "Reading",
    "Sample",
    "detect",
    "detect_in",
    "envelope_from",
]


def detect(messages: Iterable[Message], subprotocol: str | None = None) -> Envelope:
    """Return the envelope that explains the messages best; all of them are read, so pass a bounded sample."""
    sample = Sample()
    if subprotocol is not None:
        sample.subprotocols.add(subprotocol)
    for message in messages:
        sample.add(message)
    return detect_in(sample)


def detect_in(sample: Sample, name: str | None = None) -> Envelope:
    """Return the envelope that explains a sample best, or the one called ``name`` with the parameters that do.

    Raises KeyError for a name that is not in `NAMES`.
    """
    candidates: Sequence[type[Envelope]] = ENVELOPES
    if name is not None:
        candidates = [envelope for envelope in ENVELOPES if envelope.name == name]
        if not candidates:
            raise KeyError(name)
    fitted = [envelope.fit(sample) for envelope in candidates]
    best = max(fitted, key=lambda pair: pair[0])  # max keeps the first of equals
    return best[1]


def envelope_from(parameters: Mapping[str, object]) -> Envelope:
    """Return the envelope that a document describes. Raises ValueError with the reason when it makes no sense."""
    name = parameters.get("name")
    for envelope in ENVELOPES:
        if envelope.name == name:
            return envelope.from_parameters(parameters)
    raise ValueError(f"envelope {name!r} is not known (known: {', '.join(NAMES)})")
