"""The envelopes that are known: those of the house, and those that installed packages offer.

A package offers one by an entry point of the group ``wstape.envelopes`` that names a class with the protocol of
`Detectable`; ``docs/envelopes.md`` shows one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import cast

from ...cassettes import UsageError
from .cbor import CborEnvelope
from .cdp import CdpEnvelope
from .envelope import Detectable, Envelope
from .graphql_transport_ws import GraphqlTransportWsEnvelope
from .graphql_ws import GraphqlWsEnvelope
from .json_envelope import JsonEnvelope
from .json_rpc import JsonRpcEnvelope
from .jupyter import JupyterEnvelope
from .messagepack import MessagePackEnvelope
from .ocpp import OcppEnvelope
from .opaque import OpaqueEnvelope
from .phoenix import PhoenixEnvelope
from .sample import Sample
from .several import SeveralEnvelopes, parts_of
from .signalr import SignalrEnvelope
from .socket_io import SocketIoEnvelope

GROUP = "wstape.envelopes"

# Of equal confidence the first is taken.
ENVELOPES: tuple[type[Detectable], ...] = (
    JsonRpcEnvelope,
    CdpEnvelope,
    SocketIoEnvelope,
    GraphqlTransportWsEnvelope,
    GraphqlWsEnvelope,
    PhoenixEnvelope,
    OcppEnvelope,
    SignalrEnvelope,
    JupyterEnvelope,
    JsonEnvelope,
    MessagePackEnvelope,
    CborEnvelope,
    OpaqueEnvelope,
)


@cache
def envelopes() -> tuple[type[Detectable], ...]:
    """Return all envelopes, those of other packages first, by name. Raises UsageError for one that cannot be loaded."""
    from importlib.metadata import entry_points

    found: list[type[Detectable]] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        try:
            loaded: object = entry.load()
        except Exception as error:
            raise UsageError(
                f"envelope {entry.name!r}: cannot be loaded from {entry.value} ({error}); "
                "update or uninstall the package that offers it"
            ) from error
        lacking = [name for name in ("name", "fit", "from_parameters", "open") if not hasattr(loaded, name)]
        if lacking:
            raise UsageError(
                f"envelope {entry.name!r}: {entry.value} is no envelope, it has no {lacking[0]!r}; "
                "update or uninstall the package that offers it"
            )
        found.append(cast("type[Detectable]", loaded))
    return (*found, *ENVELOPES)


def names() -> tuple[str, ...]:
    """Return the names of all envelopes."""
    return tuple(envelope.name for envelope in envelopes())


def fitted(sample: Sample, name: str | None = None) -> tuple[float, Envelope]:
    """Return the envelope that explains a sample best, or the one called ``name`` with the parameters that do.

    The confidence, from 0 to 1, stands before it. Raises KeyError for a name that is not in `names`.
    """
    candidates = [envelope for envelope in envelopes() if name is None or envelope.name == name]
    if not candidates:
        raise KeyError(name)
    return max((envelope.fit(sample) for envelope in candidates), key=lambda pair: pair[0])  # the first of equals


def envelope_from(parameters: Mapping[str, object]) -> Envelope:
    """Return the envelope that a document describes. Raises ValueError with the reason when it makes no sense."""
    name = parameters.get("name")
    if name == SeveralEnvelopes.name:
        parts: list[tuple[str, Envelope]] = []
        for pattern, part in parts_of(parameters).items():
            inner = envelope_from(cast("dict[str, object]", part)) if isinstance(part, dict) else None
            if inner is None or isinstance(inner, SeveralEnvelopes):
                raise ValueError(f"{pattern!r} has no envelope")
            parts.append((pattern, inner))
        return SeveralEnvelopes(tuple(parts))
    for envelope in envelopes():
        if envelope.name == name:
            return envelope.from_parameters(parameters)
    raise ValueError(f"envelope {name!r} is not known (known: {', '.join(names())})")
