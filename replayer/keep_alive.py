"""Events that are only there to keep a connection alive: they answer nothing, and come as often as they like."""

from __future__ import annotations

from ..contracts import Event

_LABELS = frozenset(("ping", "pong", "heartbeat", "heartbeatack", "hb", "keepalive", "ka", "tick"))


def keeps_alive(event: Event) -> bool:
    """Tell by its label whether an event keeps the connection alive."""
    return label_keeps_alive(event.label)


def label_keeps_alive(label: str) -> bool:
    """Tell whether a label is that of an event that keeps the connection alive."""
    return label.lower().replace("-", "").replace("_", "") in _LABELS
