"""The live values of a replay: what the server under test has issued in place of what was recorded. No I/O."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal
from urllib.parse import quote

from ..cassettes import PLACEHOLDER, Headers, Message, dump_json, encoded_value, make_message, plain_name
from ..cassettes.splicing import Value
from ..contracts import Envelope, Event
from ..contracts.envelopes import written
from .bindings import Binding, BodySource, EventSource, HeaderSource, Hole, Scalar, between, response_json
from .latest import Latest, Seen
from .leaves import Path, at, is_scalar, leaves

Encoding = Literal["plain", "url", "json"]

_Key = tuple[type, Scalar]


class Ledger:
    """Knows for every bound value of the recording where its live counterpart will come from, and takes it there."""

    def __init__(self, bindings: Sequence[Binding], secrets: Mapping[str, str], latest: Iterable[Latest] = ()) -> None:
        """``secrets`` has values for texts that nothing in the session issues: placeholders, own identifiers.

        ``latest`` are all the places where the latest value of a counter is put.
        """
        self._seen = Seen(latest)
        self._live: dict[_Key, Scalar] = {(str, text): value for text, value in secrets.items()}
        self._bindings: dict[_Key, Binding] = {(type(binding.value), binding.value): binding for binding in bindings}
        self._events: dict[tuple[int, str], dict[tuple[int, int], list[Binding]]] = defaultdict(dict)
        self._payloads: dict[int, object] = {}
        for binding in bindings:
            source = binding.source
            if isinstance(source, EventSource):
                # Several values that came in one recorded event are taken from one live event.
                group = (source.turn, id(source.payload))
                self._payloads[id(source.payload)] = source.payload
                self._events[source.connection, source.symbol].setdefault(group, []).append(binding)

    def receive_event(self, event: Event, turn: int) -> None:
        """Take the values that an event of the server under test brings."""
        self._seen.receive_event(event)
        groups = self._events.get((event.connection, event.symbol))
        if not groups:
            return
        # Of the recorded events with this label that still wait for their live counterpart, the likest one of
        # this turn; tools may be called in another order than when they were recorded.
        group = max(
            (group for group in groups if group[0] <= turn),
            key=lambda group: (group[0], _alikeness(self._payloads[group[1]], event.payload)),
            default=None,
        )
        if group is None:
            return
        taken = False
        for binding in groups[group]:
            assert isinstance(binding.source, EventSource)
            taken = self._take(binding, event.payload, binding.source.path) or taken
        if taken:
            del groups[group]

    def receive_response(self, exchange: int, headers: Headers, body: bytes) -> None:
        """Take the values that an HTTP response of the server under test brings."""
        parsed = response_json(body)
        for binding in self._bindings.values():
            match binding.source:
                case BodySource(exchange=number, path=path) if number == exchange:
                    self._take(binding, parsed, path)
                case HeaderSource(exchange=number, name=name, before=before, after=after) if number == exchange:
                    # Set-Cookie may come several times; the one that begins as the recorded one did is meant.
                    parts = (between(value, before, after) for key, value in headers if key.lower() == name.lower())
                    live = next((part for part in parts if part is not None), None)
                    if live is not None:
                        self._live[str, binding.value] = live
                case _:
                    pass

    def _take(self, binding: Binding, payload: object, path: Path) -> bool:
        try:
            value = at(payload, path)
        except LookupError:
            return False
        if isinstance(value, str) and binding.part is not None:
            value = between(value, *binding.part)
        if not is_scalar(value):
            return False
        self._live[type(binding.value), binding.value] = value
        return True

    def missing(self, values: Sequence[Scalar]) -> tuple[Scalar, ...]:
        """Return those of the recorded values whose live counterparts have not come yet."""
        return tuple(value for value in values if self._value(value) is None)

    def _value(self, recorded: Scalar) -> Scalar | None:
        """Return the live counterpart of a recorded value; None when it has not come."""
        live = self._live.get((type(recorded), recorded))
        hidden = PLACEHOLDER.fullmatch(recorded) if live is None and isinstance(recorded, str) else None
        plain = None if hidden is None else plain_name(hidden[1])
        if hidden is None or plain is None:
            return live
        live = self._live.get((str, f"{{{{secret:{plain}}}}}"))
        return None if live is None else encoded_value(hidden[1], str(live))

    def _binding(self, value: Scalar) -> Binding | None:
        found = self._bindings.get((type(value), value))
        hidden = PLACEHOLDER.fullmatch(value) if found is None and isinstance(value, str) else None
        plain = None if hidden is None else plain_name(hidden[1])
        return found if plain is None else self._bindings.get((str, f"{{{{secret:{plain}}}}}"))

    def source(self, value: Scalar) -> str:
        """Say in words where a value is expected from."""
        binding = self._binding(value)
        return str(binding.source) if binding else "outside"

    def exchange(self, value: Scalar) -> int | None:
        """Return the number of the HTTP exchange whose response brings a value, None when no response does."""
        binding = self._binding(value)
        match binding.source if binding else None:
            case BodySource(exchange=number) | HeaderSource(exchange=number):
                return number
            case _:
                return None

    def connection(self, value: Scalar) -> int | None:
        """Return the number of the connection whose event brings a value, None when none does."""
        binding = self._binding(value)
        match binding.source if binding else None:
            case EventSource(connection=number):
                return number
            case _:
                return None

    def fill_message(
        self,
        message: Message,
        holes: Sequence[Hole],
        tokens: Sequence[str],
        envelope: Envelope,
        latest: Sequence[Latest] = (),
    ) -> bytes:
        """Return the payload of a client's message with values in its holes and for its tokens.

        Where the envelope cannot put a value, one of another type, the recorded one stays; so it does where the
        ``latest`` value of a counter is wanted and nothing has been counted.
        """
        payload = message.payload
        if holes or latest:
            changes: list[dict[Path, Scalar]] = [{} for _ in range(1 + max(one.event for one in (*holes, *latest)))]
            for hole in holes:
                live = self._value(hole.value)
                if live is not None and hole.text is not None:
                    around = changes[hole.event].get(hole.path, hole.text)
                    # Text that is itself JSON needs its own layer of escapes.
                    new = _escaped(str(live)) if hole.text[:1] in ("{", "[") else str(live)
                    live = str(around).replace(str(hole.value), new)
                if live is not None:
                    changes[hole.event][hole.path] = live
            for one in latest:
                counted = self._seen.value(one, changes[one.event])
                if counted is not None:
                    changes[one.event][one.path] = counted
            payload = written(envelope, message, changes) or payload
        if tokens:
            text = payload.decode("utf-8", "surrogateescape")
            payload = self.fill_text(text, tokens).encode("utf-8", "surrogateescape")
        return payload

    def fill_reaction(
        self,
        message: Message,
        holes: Sequence[Hole],
        tokens: Sequence[str],
        envelope: Envelope,
        echoes: Mapping[Path, Value],
    ) -> bytes:
        """Return the payload of a client's message that answers an event, with values of the event in it.

        Nothing is waited for: what the server has not issued stays as it was recorded.
        """
        known = [token for token in tokens if not self.missing((token,))]
        left = [hole for hole in holes if hole.path not in echoes]
        payload = self.fill_message(message, left, known, envelope)
        filled = make_message(message.connection, message.direction, message.kind, payload, message.at_ns)
        return written(envelope, filled, [echoes]) or payload

    def fill_text(self, text: str, tokens: Sequence[str], encoding: Encoding = "plain") -> str:
        """Return a text with its tokens replaced by values, encoded as the text demands.

        In a "url" (also a form) values are percent-encoded, in "json" they are escaped.
        """
        for token in sorted(tokens, key=len, reverse=True):
            live = str(self._value(token))
            if encoding == "json":
                live = _escaped(live)
            if encoding != "url" or PLACEHOLDER.fullmatch(token):
                text = text.replace(token, quote(live, safe="") if encoding == "url" else live)
            else:
                encoded = re.escape(token), re.escape(quote(token, safe=""))
                # Only whole segments and parameter values: "run" is not to be found in "/running".
                pattern = rf"(?<![^/?&=;,])(?:{'|'.join(encoded)})(?![^/?&=;,#])"
                text = re.sub(pattern, lambda _, new=live: quote(new, safe=""), text)
        return text


def _escaped(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def json_style(text: str, body: object) -> tuple[str, bool]:
    """Return the spacing and escaping in which a JSON text was written, as near as can be told."""
    for spacing in ("compact", "spaced"):
        for ascii_only in (False, True):
            if dump_json(body, spacing, ascii_only=ascii_only) == text:
                return spacing, ascii_only
    return ("spaced" if '": ' in text else "compact"), text.isascii()


def _alikeness(recorded: object, live: object) -> int:
    """Count the scalars that two payloads have in common."""
    return sum(_same(live, path, value) for path, value in leaves(recorded))


def _same(live: object, path: tuple[str | int, ...], value: object) -> bool:
    try:
        return at(live, path) == value
    except LookupError:
        return False
