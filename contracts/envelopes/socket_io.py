"""Socket.IO over Engine.IO: events by name, acknowledgements by the event that they answer.

Engine.IO protocol, revisions 4 and 3 (https://github.com/socketio/engine.io-protocol): a text message begins with the
packet's type; a binary message is the payload of a message packet, with a type byte of its own in revision 3.
Socket.IO protocol, revisions 5 and 4 (https://github.com/socketio/socket.io-protocol): a packet is its type, the number
of its binary attachments and "-", its namespace and ",", its acknowledgement id, and JSON.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Self, cast

from ...cassettes import Direction, Handshake, Kind, Message
from ...cassettes.splicing import Json, Path, Value, splice
from ..json_text import NOT_JSON, JsonArray, JsonObject, parse
from .envelope import Payload, Plain
from .opaque import opaque_payload
from .requests import OpenRequests
from .sample import Sample
from .writing import Changes, moved, write_text

_ENGINE = {"0": "open", "1": "close", "2": "ping", "3": "pong", "5": "upgrade", "6": "noop"}
_HEARTBEATS = frozenset("2356")
_PACKET = re.compile(rb"4([0-6])(?:([0-9]{1,9})-)?(?:(/[^,]{0,500})(?:,|$))?([0-9]{1,18})?([\[{\"].*)?", re.DOTALL)
_CONNECT, _DISCONNECT, _EVENT, _ACK, _CONNECT_ERROR, _BINARY_EVENT, _BINARY_ACK = "0123456"
_CONTROL = {_CONNECT: "connect", _DISCONNECT: "disconnect", _CONNECT_ERROR: "connect_error"}
MAX_ATTACHMENTS = 10_000


class SocketIoEnvelope(Plain):
    """Events by name, ``NAME:ack`` for what acknowledges them, ``NAME:attachment`` for their binary attachments.

    In a namespace other than "/" it stands before the name, as on the wire: ``/admin,NAME``. The packets of the
    protocols themselves are ``engine.io:open``, ``socket.io:connect`` and so on; heartbeats and the probes of an
    upgrade are no events. The payload is ``{"namespace": …, "id": …, "args": […]}``, ``id`` only where an
    acknowledgement is asked for or given; an attachment has its placeholder in ``args`` and no payload of its own.
    """

    name: ClassVar[str] = "socket.io"

    @classmethod
    def fit(cls, sample: Sample) -> tuple[float, Self]:
        """The share of text messages that are packets, and the handshake's ``EIO=``."""
        told = any("EIO=" in target.partition("?")[2] for target in sample.targets)
        texts = sum(message.kind is Kind.TEXT for message, _ in sample.entries)
        if not texts or not any(message.payload[:2] in (b"0{", b"40", b"42") for message, _ in sample.entries):
            return 0.0, cls()
        # Binary messages may be attachments: they speak neither for nor against it.
        share = sum(_is_packet(message) for message, _ in sample.entries) / texts
        return sample.confidence(share, told=told), cls()

    def open(self, handshake: Handshake | None = None) -> _SocketIoReading:
        """A reading that remembers what is to be acknowledged and which attachments are to come."""
        return _SocketIoReading()

    def write(self, message: Message, changes: Sequence[Changes]) -> bytes | None:
        """Put values into the arguments of an event, into what is sent with a packet, and for an acknowledgement's id.

        What an event's name is, which namespace it is in and what its attachments hold stays as it is.
        """
        if len(changes) != 1 or message.kind is not Kind.TEXT or message.payload[:1] == b"b":
            return None
        packet = _PACKET.fullmatch(message.payload)
        if packet is None:
            return _written_around(message.payload, changes[0])
        type_ = packet[1].decode()
        inner = moved(changes[0], ("data",), ()) if type_ in _CONTROL else _argument_changes(packet, changes[0])
        id_ = changes[0].get(("id",))
        if len(inner) + (id_ is not None) < len(changes[0]) or not (id_ is None or isinstance(id_, int)):
            return None
        data = splice(packet[5] or b"", inner, Json())
        if data is None:
            return None
        head = message.payload[: packet.start(5) if packet[5] is not None else len(message.payload)]
        if id_ is not None and packet[4]:
            head = message.payload[: packet.start(4)] + str(id_).encode()
        return head + data

    def identifiers(self, direction: Direction, label: str) -> Sequence[tuple[str, str]]:
        """The acknowledgement's id. Both sides number their own, so each side's ids are a scope of their own."""
        client_asked = (direction is Direction.CLIENT) != label.endswith(":ack")
        return (("id" if client_asked else "server id", "/id"),)


class _SocketIoReading:
    def __init__(self) -> None:
        self._open = OpenRequests()
        self._attachments: dict[Direction, tuple[str, int]] = {}  # label of their event, how many are to come

    def read(self, message: Message) -> Sequence[Payload]:
        data = message.payload
        if message.kind is Kind.BINARY:
            return (self._attachment(message),)
        first = data[:1].decode("latin-1")
        if first in _ENGINE:
            if first in _HEARTBEATS:
                return ()
            value = parse(data[1:])
            return (Payload(label=f"engine.io:{_ENGINE[first]}", value=None if value is NOT_JSON else value),)
        if first == "b":  # base64, where the transport carries text only
            return (self._attachment(message),)
        packet = _PACKET.fullmatch(data)
        if packet is not None:
            return (self._packet(message, packet),)
        if first == "4":
            value = parse(data[1:])
            return (Payload(label="engine.io:message", value=message.text[1:] if value is NOT_JSON else value),)
        return (opaque_payload(message),)

    def _packet(self, message: Message, packet: re.Match[bytes]) -> Payload:
        type_, side = packet[1].decode(), message.direction
        namespace = (packet[3] or b"/").decode("utf-8", "replace").partition("?")[0]
        before = "" if namespace == "/" else f"{namespace},"
        value = parse(packet[5]) if packet[5] is not None else None
        body: JsonObject = {"namespace": namespace}
        if type_ in _CONTROL:
            if value is not None and value is not NOT_JSON:
                body["data"] = value
            return Payload(label=f"{before}socket.io:{_CONTROL[type_]}", value=body)
        args = cast("JsonArray", value) if isinstance(value, list) else []
        id_ = int(packet[4]) if packet[4] else None
        if id_ is not None:
            body["id"] = id_
        if type_ in (_ACK, _BINARY_ACK):
            label = f"{self._open.answer(side, (namespace, id_))}:ack"
        else:
            name, args = (args[0], args[1:]) if args else (None, args)
            label = before + (name[:200] if isinstance(name, str) else "?")
            if id_ is not None:
                self._open.ask(side, (namespace, id_), label)
        if type_ in (_BINARY_EVENT, _BINARY_ACK) and packet[2]:
            self._attachments[side] = (label, min(int(packet[2]), MAX_ATTACHMENTS))
        return Payload(label=label, value={**body, "args": args})

    def _attachment(self, message: Message) -> Payload:
        label, left = self._attachments.pop(message.direction, ("", 0))
        if not left:
            return opaque_payload(message)
        if left > 1:
            self._attachments[message.direction] = (label, left - 1)
        return Payload(label=f"{label}:attachment", value=None)


def _argument_changes(packet: re.Match[bytes], changes: Changes) -> dict[Path, Value]:
    """Return changes of "args" by the packet's array, in which an event's name stands first."""
    named = 0 if packet[1].decode() in (_ACK, _BINARY_ACK) else 1
    arguments = moved(changes, ("args",), ()).items()
    return {(path[0] + named, *path[1:]): new for path, new in arguments if path and isinstance(path[0], int)}


def _written_around(payload: bytes, changes: Changes) -> bytes | None:
    """Return a packet of Engine.IO with other values in its JSON, or another text."""
    if payload[:1].decode("latin-1") not in (*_ENGINE, "4"):
        return write_text(changes)
    inner = splice(payload[1:], changes, Json()) if parse(payload[1:]) is not NOT_JSON else write_text(changes)
    return None if inner is None else payload[:1] + inner


def _is_packet(message: Message) -> bool:
    if message.kind is not Kind.TEXT:
        return False
    data = message.payload
    bare = (b"1", b"2", b"3", b"5", b"6", b"2probe", b"3probe")
    return data in bare or data[:2] == b"0{" or bool(_PACKET.fullmatch(data))
