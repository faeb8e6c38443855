"""An AsyncAPI 3 document as a contract (https://www.asyncapi.com/docs/reference/specification/v3.0.0).

The document describes the service: what an operation with the action ``send`` carries comes from the server, what one
with ``receive`` carries comes from clients, a reply goes the other way. Payloads are JSON Schema, references local.
Nothing in the document was seen in traffic, so all of it gates.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast
from urllib.parse import unquote

from ..cassettes import Direction
from .asyncapi_facts import Facting
from .asyncapi_labels import Described, Labelling, Part
from .errors import ContractError
from .json_text import join_pointer, resolve, split_pointer

PREFIX = "x-wstape-"
KEPT = ("envelope", "learned", "scopes", "streams", "private", "closings", "handshake")
"""Members of a contract that a document carries for us, under ``x-wstape-`` and their name."""

MAX_NODES = 300_000
"""Of one payload, with all that it refers to."""

_MAX_REFERENCES = 50
_JSON_SCHEMA = ("application/schema+", "application/vnd.aai.asyncapi")
_SUBPROTOCOL = "sec-websocket-protocol"
_TUPLES = {"items": "prefixItems", "additionalItems": "items"}
_ADVICE = "correct it; wstape reads AsyncAPI 3 with JSON Schema payloads and local references"
_Object = dict[str, object]


def is_asyncapi(document: object) -> bool:
    """Tell whether a document says that it is AsyncAPI, of whatever version."""
    return isinstance(document, dict) and "asyncapi" in document


def contract_document(document: object, where: Path | str) -> _Object:
    """Return the contract document of an AsyncAPI document. Raises ContractError with the place."""
    return _Reader(cast("_Object", document), where).contract()


class _Reader:
    def __init__(self, document: _Object, where: Path | str) -> None:
        self._document = document
        self._where = where

    def contract(self) -> _Object:
        version = self._document.get("asyncapi")
        if not isinstance(version, str) or not version.startswith("3."):
            raise self.wrong("/asyncapi", f"version {version!r} is not 3", "turn it into AsyncAPI 3 first")
        messages = self._messages()
        if not messages:
            raise self.wrong("/operations", "no operation has a message")
        kept: _Object = {name: self._document[PREFIX + name] for name in KEPT if PREFIX + name in self._document}
        labelling = Labelling(self.resolve, messages)
        if "envelope" not in kept:
            kept["envelope"] = labelling.envelope()
            handshake = self._handshake()
            if handshake:
                kept.setdefault("handshake", handshake)
        parts: dict[str, list[Part]] = {}
        for part in labelling.parts(self._object(kept["envelope"], f"/{PREFIX}envelope")):
            parts.setdefault(f"{part.message.direction.value}:{part.label}", []).append(part)
        events = {symbol: self._event(of) for symbol, of in parts.items()}
        return {"wstape": "contract", "version": 1, **kept, "events": events}

    def _messages(self) -> list[Described]:
        """Return every message, each once for a sender."""
        met: dict[tuple[Direction, str], Described] = {}
        operations = self._object(self._document.get("operations", {}), "/operations")
        client_view = self._document.get(PREFIX + "perspective") == "client"
        for name, entry in operations.items():
            place, operation = self._follow(entry, "/operations" + join_pointer((name,)))
            action = operation.get("action")
            if action not in ("send", "receive"):
                raise self.wrong(f"{place}/action", f"{action!r} is neither send nor receive")
            sender = Direction.SERVER if (action == "send") != client_view else Direction.CLIENT
            other = Direction.CLIENT if sender is Direction.SERVER else Direction.SERVER
            asking = [self._described(sender, *carried) for carried in self._carried(place, operation)]
            for message in asking:
                met.setdefault((sender, message.place), message)
            if "reply" in operation:
                where, reply = self._follow(operation["reply"], f"{place}/reply")
                own = reply if "channel" in reply else {**operation, **reply}
                for carried in self._carried(where, own):
                    message = self._described(other, *carried)
                    known = met.get((other, message.place), message)
                    met[other, message.place] = replace(known, asked=(*known.asked, *asking))
        return list(met.values())

    def _described(self, direction: Direction, place: str, message: _Object) -> Described:
        label, name = message.get(PREFIX + "label"), message.get("name")
        where, schema = self._schema(place, message)
        content = message.get("contentType", self._document.get("defaultContentType", ""))
        return Described(
            direction=direction,
            place=place,
            name=name if isinstance(name, str) and name else _last(place),
            label=label if isinstance(label, str) and label else None,
            event=message.get(PREFIX + "event"),
            schema=schema,
            where=where,
            plain_text=str(content).lower().startswith("text/"),
        )

    def _carried(self, place: str, operation: _Object) -> Iterator[tuple[str, _Object]]:
        if "messages" in operation:
            for number, entry in enumerate(self._array(operation["messages"], f"{place}/messages")):
                yield self._follow(entry, f"{place}/messages/{number}")
            return
        where, channel = self._follow(operation.get("channel"), f"{place}/channel")
        for name, entry in self._object(channel.get("messages", {}), f"{where}/messages").items():
            yield self._follow(entry, f"{where}/messages" + join_pointer((name,)))

    def _event(self, parts: list[Part]) -> _Object:
        """Return the claim of an event: of several messages that nothing tells apart, that it is one of them."""
        first = parts[0].message
        event: _Object = dict(self._object(first.event or {}, f"{first.place}/{PREFIX}event"))
        if any(part.schema is None for part in parts):
            return event
        # What was narrowed may share parts so often that its text has no end.
        texts = (json.dumps(part.schema, sort_keys=True) if part.whole else id(part.schema) for part in parts)
        schemas = list({text: part.schema for text, part in zip(texts, parts, strict=True)}.values())
        if len(schemas) == 1 and parts[0].whole:
            payload = _Payload(self, first.place, first.where, schemas[0])
        else:
            payload = _Payload(self, first.place, "", schemas[0] if len(schemas) == 1 else {"anyOf": schemas})
        return {**event, "payload": payload.schema()}

    def _schema(self, place: str, message: _Object) -> tuple[str, object]:
        """Return where a message's schema stands, and the schema, out of the multi-format object if it is in one."""
        if "payload" not in message:
            return f"{place}/payload", None
        payload, where = message["payload"], f"{place}/payload"
        if isinstance(payload, dict):
            found, own = self._follow(cast("object", payload), where)
            if "schemaFormat" in own and "schema" in own:
                format_ = own["schemaFormat"]
                if not isinstance(format_, str) or not format_.startswith(_JSON_SCHEMA):
                    raise self.wrong(f"{found}/schemaFormat", f"{format_!r} is not JSON Schema")
                return f"{found}/schema", own["schema"]
        return where, cast("object", payload)

    def _handshake(self) -> _Object:
        """Return what the channels say of the handshake; nothing where they lie at several addresses."""
        channels = self._object(self._document.get("channels", {}), "/channels")
        found = [self._follow(entry, "/channels" + join_pointer((name,))) for name, entry in channels.items()]
        addresses = [channel.get("address") for _, channel in found]
        if not found or any(address != addresses[0] for address in addresses):
            return {}
        asked: dict[str, dict[str, None]] = {"subprotocols": {}, "query": {}, "headers": {}}
        for place, channel in found:
            where, bindings = self._follow(channel.get("bindings", {}), f"{place}/bindings")
            where, binding = self._follow(bindings.get("ws", {}), f"{where}/ws")
            for member in ("query", "headers"):
                at, schema = self._follow(binding.get(member, {}), f"{where}/{member}")
                names = [str(name) for name in self._array(schema.get("required", []), f"{at}/required")]
                asked[member] |= dict.fromkeys(name for name in names if name.lower() != _SUBPROTOCOL)
                properties = schema.get("properties")
                for name, part in (cast("_Object", properties) if isinstance(properties, dict) else {}).items():
                    if member == "headers" and name.lower() == _SUBPROTOCOL:
                        constants = Facting(self.resolve).facts(part, f"{at}/properties/{name}").constants.get((), ())
                        asked["subprotocols"] |= dict.fromkeys(sorted(constants))
        path = {"path": addresses[0]} if isinstance(addresses[0], str) else {}
        return {**path, **{member: list(names) for member, names in asked.items() if names}}

    def _follow(self, value: object, place: str) -> tuple[str, _Object]:
        """Follow local references to an object. Returns its own place."""
        for _ in range(_MAX_REFERENCES):
            target = self._object(value, place)
            reference = target.get("$ref")
            if not isinstance(reference, str):
                return place, target
            place, value = self.resolve(reference, place)
        raise self.wrong(place, "a reference leads to itself")

    def resolve(self, reference: str, place: str) -> tuple[str, object]:
        """Return what a reference leads to, and where that stands. Raises ContractError."""
        if not reference.startswith("#"):
            raise self.wrong(f"{place}/$ref", f"{reference!r} leads out of the document", "bundle it into one file")
        try:
            keys = split_pointer(unquote(reference[1:]))
        except ValueError as error:
            raise self.wrong(f"{place}/$ref", f"{reference!r} is no local reference") from error
        value: object = self._document
        for key in keys:
            if isinstance(value, list) and key.isdigit() and int(key) < len(cast("list[object]", value)):
                value = cast("list[object]", value)[int(key)]
            elif isinstance(value, dict) and key in value:
                value = cast("_Object", value)[key]
            else:
                raise self.wrong(f"{place}/$ref", f"{reference!r} leads nowhere")
        return join_pointer(keys), value

    def _object(self, value: object, place: str) -> _Object:
        if not isinstance(value, dict):
            raise self.wrong(place, "not an object" if value is not None else "missing")
        return cast("_Object", value)

    def _array(self, value: object, place: str) -> list[object]:
        if not isinstance(value, list):
            raise self.wrong(place, "not an array")
        return cast("list[object]", value)

    def wrong(self, place: str, problem: str, advice: str = _ADVICE) -> ContractError:
        """Return the error for a place."""
        return ContractError(self._where, place, problem, advice)


class _Payload:
    """Makes one payload a schema of its own: what it refers to elsewhere comes along as ``$defs``."""

    def __init__(self, reader: _Reader, message: str, place: str, schema: object) -> None:
        self._reader = reader
        self._message = message
        self._place = place  # "" for a schema that does not stand in the document
        self._schema = schema
        self._names: dict[str, str] = {}  # place -> name in $defs
        self._waiting: list[tuple[str, object]] = []
        self._nodes = 0

    def schema(self) -> _Object:
        """Return the schema, draft 2020-12. Raises ContractError."""
        made = self._copied(self._schema, self._place)
        if not isinstance(made, dict):
            return {} if made is True else {"not": _Object()}
        document = cast("_Object", made)
        definitions: _Object = {}
        while self._waiting:
            place, value = self._waiting.pop()
            definitions[self._names[place]] = self._copied(value, place)
        if definitions:
            own = document.get("$defs")
            document["$defs"] = {**(cast("_Object", own) if isinstance(own, dict) else {}), **definitions}
        return document

    def _copied(self, value: object, place: str) -> object:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._reader.wrong(self._message, f"its payload has more than {MAX_NODES} parts")
        if isinstance(value, list):
            return [self._copied(item, f"{place}/{number}") for number, item in enumerate(cast("list[object]", value))]
        if not isinstance(value, dict):
            return value
        schema = cast("_Object", value)
        copied: _Object = {}
        for key, item in schema.items():
            below = place + join_pointer((key,))
            if key == "$ref" and isinstance(item, str):
                copied[key] = self._reference(item, place)
            elif key in ("const", "enum", "default", "examples"):
                copied[key] = item
            else:
                copied[key] = self._copied(item, below)
        return _modern(copied)

    def _reference(self, reference: str, place: str) -> str:
        target, value = self._reader.resolve(reference, place)
        if self._place and (target == self._place or target.startswith(self._place + "/")):
            return "#" + target[len(self._place) :]
        if target not in self._names:
            self._names[target] = _free_name(_last(target), set(self._names.values()), self._schema)
            self._waiting.append((target, value))
        return "#/$defs" + join_pointer((self._names[target],))


def _modern(schema: _Object) -> _Object:
    """Turn draft 7's tuples and dependencies into those of draft 2020-12, each where it stood."""
    modern: _Object = {}
    for key, value in schema.items():
        if isinstance(schema.get("items"), list) and key in _TUPLES:
            modern[_TUPLES[key]] = value
        elif key == "dependencies" and isinstance(value, dict):
            both = cast("_Object", value)
            schemas = {name: one for name, one in both.items() if not isinstance(one, list)}
            fields = {name: one for name, one in both.items() if name not in schemas}
            modern |= {"dependentRequired": fields} if fields else {}
            modern |= {"dependentSchemas": schemas} if schemas else {}
        else:
            modern[key] = value
    return modern


def _last(place: str) -> str:
    return (split_pointer(place) or ("document",))[-1]


def _free_name(name: str, taken: set[str], schema: object) -> str:
    own = resolve(schema, ("$defs",))
    used = {*taken, *(cast("_Object", own) if isinstance(own, dict) else ())}
    free, number = name, 2
    while free in used:
        free, number = f"{name}-{number}", number + 1
    return free
