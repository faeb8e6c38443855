"""A contract as an AsyncAPI 3 document (https://www.asyncapi.com/docs/reference/specification/v3.0.0).

The service sends what comes from the server and receives what comes from clients. Payloads stay as they are, in the
AsyncAPI schema format (JSON Schema draft 7 and more); the order of events, the evidence and all else that AsyncAPI has
no word for stands in members that begin with ``x-wstape-``, and comes back when the document is read.
"""

from __future__ import annotations

import json
import re
from typing import cast

from ..cassettes import Direction
from .asyncapi_import import KEPT, PREFIX
from .contract import Contract
from .event import label_of, side
from .handshake import HandshakeClaim

_CHANNEL = "connection"
_CONTENT = {"msgpack": "application/msgpack", "cbor": "application/cbor", "opaque": "application/octet-stream"}
_Object = dict[str, object]


def asyncapi_document(contract: Contract, *, title: str) -> _Object:
    """Return the document as plain JSON values."""
    own = contract.document()
    keys = _keys(contract)
    path = contract.handshake.path if contract.handshake is not None else None
    messages: _Object = {}
    operations: _Object = {}
    for symbol, key in keys.items():
        messages[key] = _message(symbol, key, cast("_Object", cast("_Object", own["events"])[symbol]))
    for direction, action in ((Direction.CLIENT, "receive"), (Direction.SERVER, "send")):
        own_keys = [key for symbol, key in keys.items() if side(symbol) is direction]
        carried = [{"$ref": f"#/channels/{_CHANNEL}/messages/{key}"} for key in own_keys]
        if carried:
            operations[f"{action}Events"] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{_CHANNEL}"},
                "summary": "What clients send." if action == "receive" else "What the service sends.",
                "messages": carried,
            }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": "1"},
        "defaultContentType": _CONTENT.get(contract.envelope.name, "application/json"),
        "channels": {
            _CHANNEL: {
                "address": path,
                "messages": {key: {"$ref": f"#/components/messages/{key}"} for key in messages},
                **_bindings(contract.handshake),
            }
        },
        "operations": operations,
        "components": {"messages": messages},
        **{PREFIX + name: own[name] for name in KEPT if name in own},
    }


def dump_asyncapi(document: _Object, *, as_yaml: bool) -> str:
    """Return the document's text."""
    if not as_yaml:
        return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    import yaml

    class _Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

    return yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


def _bindings(handshake: HandshakeClaim | None) -> _Object:
    """Return the channel's WebSocket binding (https://github.com/asyncapi/bindings/tree/master/websockets)."""
    if handshake is None:
        return {}
    fields: _Object = {name: {} for name in handshake.headers}
    if handshake.subprotocols:
        fields["Sec-WebSocket-Protocol"] = {"type": "string", "enum": list(handshake.subprotocols)}
    parameters: _Object = {name: {} for name in handshake.query}
    binding: _Object = {}
    for member, properties, required in (
        ("query", parameters, handshake.query),
        ("headers", fields, handshake.headers),
    ):
        if properties:
            binding[member] = {"type": "object", "properties": properties, "required": list(required)}
    return {"bindings": {"ws": binding}} if binding else {}


def _message(symbol: str, key: str, event: _Object) -> _Object:
    evidence = {name: value for name, value in event.items() if name != "payload"}
    message: _Object = {"name": label_of(symbol), PREFIX + "label": label_of(symbol), PREFIX + "event": evidence}
    if "payload" in event:
        message["payload"] = _placed(event["payload"], f"#/components/messages/{key}/payload")
    return message


def _placed(value: object, root: str) -> object:
    """Return a payload whose references lead into the document, in the words of draft 7."""
    if isinstance(value, list):
        return [_placed(item, root) for item in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    schema = cast("_Object", value)
    placed: _Object = {}
    for key, item in schema.items():
        if key == "$ref" and isinstance(item, str) and item.startswith("#"):
            to = {key: root + item[1:]}
            # In draft 7 nothing counts beside a reference.
            placed |= to if len(schema) == 1 or "allOf" in schema else {"allOf": [to]}
        elif key in ("const", "enum", "default", "examples"):
            placed[key] = item
        elif key == "prefixItems":
            placed["items"] = _placed(item, root)
        elif key == "items" and "prefixItems" in schema:
            placed["additionalItems"] = _placed(item, root)
        else:
            placed[key] = _placed(item, root)
    return placed


def _keys(contract: Contract) -> dict[str, str]:
    """Return a key for each event: letters, digits, dots, dashes and underscores are all that AsyncAPI takes."""
    keys: dict[str, str] = {}
    for symbol in sorted(contract.events):
        plain = re.sub(r"[^A-Za-z0-9_-]", "_", symbol.replace(":", "-", 1))
        key, number = plain, 2
        while key in keys.values():
            key, number = f"{plain}-{number}", number + 1
        keys[symbol] = key
    return keys
