"""How applications wrap events in messages: a registry, one module an envelope.

An envelope is a class with the protocol of `Detectable`, listed in `ENVELOPES` or offered by another package. Adding
one is a module and a line in the registry.
"""

from __future__ import annotations

from .cbor import CborEnvelope
from .cdp import CdpEnvelope
from .envelope import Detectable, Envelope, Payload, Plain, Reading
from .graphql_transport_ws import GraphqlTransportWsEnvelope
from .graphql_ws import GraphqlWsEnvelope
from .json_envelope import JsonEnvelope
from .json_rpc import JsonRpcEnvelope
from .jupyter import JupyterEnvelope
from .messagepack import MessagePackEnvelope
from .ocpp import OcppEnvelope
from .opaque import OpaqueEnvelope, opaque_payload
from .phoenix import PhoenixEnvelope
from .registry import ENVELOPES, envelope_from, fitted, names
from .requests import OpenRequests
from .sample import Sample, json_value
from .several import SeveralEnvelopes
from .signalr import SignalrEnvelope
from .socket_io import SocketIoEnvelope
from .writing import Changes, Writing, written

__all__ = [
    "ENVELOPES",
    "CborEnvelope",
    "CdpEnvelope",
    "Changes",
    "Detectable",
    "Envelope",
    "GraphqlTransportWsEnvelope",
    "GraphqlWsEnvelope",
    "JsonEnvelope",
    "JsonRpcEnvelope",
    "JupyterEnvelope",
    "MessagePackEnvelope",
    "OcppEnvelope",
    "OpaqueEnvelope",
    "OpenRequests",
    "Payload",
    "PhoenixEnvelope",
    "Plain",
    "Reading",
    "Sample",
    "SeveralEnvelopes",
    "SignalrEnvelope",
    "SocketIoEnvelope",
    "Writing",
    "envelope_from",
    "fitted",
    "json_value",
    "names",
    "opaque_payload",
    "written",
]
