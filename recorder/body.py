"""The body of an HTTP message as it is kept: its head, without its content encoding, and only what can be read."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..cassettes import Direction, Headers, counted, header, undo_encodings

BODY_LIMIT = 1024 * 1024  # bytes of a body that are kept; all of it is passed on

_TEXT = ("json", "xml", "javascript", "ecmascript", "x-www-form-urlencoded", "form-data", "graphql", "yaml", "x-ndjson")


@dataclass(slots=True)
class Body:
    """The head of a body as it passes, of at most ``BODY_LIMIT`` bytes."""

    whose: Direction
    size: int = 0  # of the whole body, without transfer encoding
    _pieces: list[bytes] = field(default_factory=list[bytes])

    def append(self, data: bytes) -> None:
        """Keep what still fits."""
        if self.size < BODY_LIMIT:
            self._pieces.append(data[: BODY_LIMIT - self.size])
        self.size += len(data)

    def decoded(self, headers: Headers) -> tuple[bytes, str]:
        """Return the body without its content encoding, and in words what of it is missing, empty when nothing is.

        An encoding that cannot be undone leaves nothing: no secret could be found in it.
        """
        try:
            raw, more = undo_encodings(b"".join(self._pieces), headers, BODY_LIMIT)
        except ValueError as error:
            return b"", self._left_out(str(error))
        whole = self.size <= BODY_LIMIT and not more
        return raw, "" if whole else f"only the first {BODY_LIMIT} bytes of the {self.whose}'s body are recorded"

    def readable(self, headers: Headers) -> tuple[bytes, str]:
        """The same, less what nobody reads in a recording: images, fonts, archives."""
        body, missing = self.decoded(headers)
        media = (header(headers, "content-type") or "").partition(";")[0].strip().lower()
        if not body or _is_text(media, body):
            return body, missing
        return b"", self._left_out(f"of {media}" if media else "of binary data")

    def _left_out(self, what: str) -> str:
        return f"the {self.whose}'s body, {counted(self.size, 'byte')} {what}, is not recorded"


def _is_text(media: str, body: bytes) -> bool:
    kind, _, subtype = media.partition("/")
    if kind == "text" or any(subtype == one or subtype.endswith(("+" + one, "-" + one)) for one in _TEXT):
        return True
    if kind and kind not in ("application", "binary"):
        return False
    # Many servers call everything octet-stream. A character may be cut in two at the end.
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.end == len(body) and error.reason == "unexpected end of data"
    return b"\x00" not in body
