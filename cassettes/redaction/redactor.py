"""Secrets out of records, before a byte of them reaches the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..model import Closed, End, Handshake, Header, Headers, HttpExchange, Kind, Message, Note, Opened, Record, header
from .encoded import redact_encoded
from .fields import redact_field
from .members import redact_members
from .multipart import boundary, redact_multipart
from .own import redact_own
from .parameters import Within, redact_parameters
from .rules import RedactionRules
from .shapes import redact_shapes
from .suspicion import suspicious
from .vault import Vault, encode

RULES = ("headers", "parameters", "json", "shapes", "repeats")
"""Names of the rule sets that are always in force, for `Header.redaction`. ``repeats``: a secret once met is replaced
ever after."""
_NO_RULES = RedactionRules()


class Redactor:
    """Takes secrets out of one session's records, in the order in which they were recorded.

    A secret becomes a placeholder, ``{{secret:KIND:N}}``, the same one for the same value all through the
    session, and is replaced from then on wherever it appears. ``known`` gives values from outside, by
    placeholder's name (``password:1``) or kind. Records without secrets are returned as they are; redacting twice
    changes nothing; no bytes raise.
    """

    def __init__(self, *, known: Mapping[str, str] | None = None, rules: RedactionRules = _NO_RULES) -> None:
        self._vault = Vault({} if known is None else known, rules)
        self._own = rules.own
        self.rules = (*RULES, *rules.names)

    @property
    def secrets(self) -> Mapping[str, str]:
        """Placeholders' names and the values behind them, ``{"access_token:1": "…"}``. Not for any log."""
        return self._vault.secrets

    @property
    def known(self) -> int:
        """How many values are known by now. When it has grown, what was redacted before may hold new ones."""
        return self._vault.size

    def harmless(self, data: bytes) -> bool:
        """Whether redaction leaves every TEXT or BINARY payload as it is that stands somewhere in ``data``.

        Far cheaper for a batch of joined payloads than a look at each. False may be a false alarm.
        """
        return not (self._own or b"{{secret:" in data or suspicious(data) or not self._vault.holds_none(data))

    def holds_none(self, data: bytes) -> bool:
        """Whether no known secret can stand in ``data``. False may be a false alarm, which `find` tells."""
        return self._vault.holds_none(data)

    def find(self, data: bytes) -> str | None:
        """Return the name of a known secret that stands in ``data``, None when there is none."""
        return self._vault.find(data)

    def reserve(self, data: bytes) -> None:
        """Never give the names of placeholders that stand in ``data`` to other values."""
        self._vault.reserve_placeholders(data)

    def record(self, record: Record) -> Record:
        """Return a record without its secrets, and remember them."""
        match record:
            case Message():
                return self._message(record)
            case Opened():
                return replace(record, handshake=self._handshake(record.handshake))
            case HttpExchange():
                return self._exchange(record)
            case Note():
                return replace(record, text=self.text(record.text))
            case Header():
                notes = {key: self._note(key, value) for key, value in record.notes.items()}
                return replace(record, target=self._target(record.target), notes=notes)
            case Closed() | End():
                return record

    def text(self, text: str) -> str:
        """Return a line for people (an error, a log) without secrets."""
        try:
            raw = text.encode()
        except UnicodeEncodeError:
            raw = encode(text)
        redacted = self._bytes(raw)
        return text if redacted == raw else redacted.decode("utf-8", "surrogateescape")

    def _message(self, message: Message) -> Message:
        payload = message.payload
        if self.harmless(payload):
            return message
        code = 2 if message.kind is Kind.CLOSE else 0  # bytes before the reason (RFC 6455 section 5.5.1)
        encoded = redact_encoded(payload, self._bytes) if message.kind is Kind.BINARY else None
        # What stands in no value, a key say, goes as well, whatever becomes of the form then.
        redacted = payload[:code] + self._bytes(payload[code:] if encoded is None else encoded)
        return message if redacted == payload else replace(message, payload=redacted)

    def _handshake(self, handshake: Handshake) -> Handshake:
        return replace(
            handshake,
            request_headers=self._headers(handshake.request_headers),
            target=self._target(handshake.target),
            response_headers=self._headers(handshake.response_headers),
            reason=self.text(handshake.reason),
            response_body=self._bytes(handshake.response_body),
        )

    def _exchange(self, exchange: HttpExchange) -> HttpExchange:
        return replace(
            exchange,
            request_headers=self._headers(exchange.request_headers),
            target=self._target(exchange.target),
            request_body=self._body(exchange.request_headers, exchange.request_body),
            response_headers=self._headers(exchange.response_headers),
            reason=self.text(exchange.reason),
            response_body=self._body(exchange.response_headers, exchange.response_body),
        )

    def _headers(self, headers: Headers) -> Headers:
        return tuple((name, self._field(name, value)) for name, value in headers)

    def _field(self, name: str, value: str) -> str:
        raw = _field_bytes(value)
        redacted = self._bytes(redact_field(name, raw, self._vault), Within.FIELD)
        return value if redacted == raw else _field_text(redacted)

    def _target(self, target: str) -> str:
        raw = _field_bytes(target)
        redacted = self._bytes(raw, Within.TARGET)
        return target if redacted == raw else _field_text(redacted)

    def _note(self, key: str, value: str) -> str:
        return self.text(_field_text(redact_field(key, _field_bytes(value), self._vault)))

    def _body(self, headers: Headers, body: bytes) -> bytes:
        content_type = header(headers, "content-type") or ""
        media_type = content_type.partition(";")[0].strip().lower()
        dividing = boundary(content_type)
        if dividing is not None:
            body = redact_multipart(body, dividing, self._vault)
        form = media_type == "application/x-www-form-urlencoded"
        return self._bytes(body, Within.FORM if form else Within.TEXT)

    def _bytes(self, data: bytes, within: Within = Within.TEXT) -> bytes:
        if not data:
            return data
        if b"{{secret:" in data:
            self._vault.reserve_placeholders(data)
        if self._own:
            data = redact_own(data, self._vault)
        if self._own or within is not Within.TEXT or suspicious(data):
            if b'"' in data:
                data = redact_members(data, self._vault)
            if b"=" in data:
                data = redact_parameters(data, self._vault, within)
            data = redact_shapes(data, data.lower(), self._vault)
        return self._vault.replace(data)


def _field_bytes(value: str) -> bytes:
    """Header values and targets as they were on the wire, ISO-8859-1 (RFC 9110 section 5.5)."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return encode(value)


def _field_text(value: bytes) -> str:
    return value.decode("latin-1")
