"""How applications wrap events in messages: a registry, one module an envelope.

An envelope is a class with the protocol of `Detectable`, listed in `ENVELOPES` or offered by another package. Adding
one is a module and a line in the registry.
"""

from __future__ import annotations

from .envelope import Detectable, Envelope, Payload, Plain, Reading
from .json_envelope import JsonEnvelope
from .json_rpc import JsonRpcEnvelope
from .opaque import OpaqueEnvelope, opaque_payload
from .registry import ENVELOPES, envelope_from, fitted, names
from .requests import OpenRequests
from .sample import Sample, json_value
from .several import SeveralEnvelopes

__all__ = [
    "ENVELOPES",
    "Detectable",
    "Envelope",
    "JsonEnvelope",
    "JsonRpcEnvelope",
    "OpaqueEnvelope",
    "OpenRequests",
    "Payload",
    "Plain",
    "Reading",
    "Sample",
    "SeveralEnvelopes",
    "envelope_from",
    "fitted",
    "json_value",
    "names",
    "opaque_payload",
]
