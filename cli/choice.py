"""Which records of a recording ``show`` shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, TypeVar, Unpack

import click

if TYPE_CHECKING:
    from ..cassettes import Direction, Record
    from ..contracts import EventReader

_F = TypeVar("_F", bound=Callable[..., object])


def choice_options(command: _F) -> _F:
    """Add the options that choose records."""
    for option in (
        click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Stop after N of what was chosen."),
        click.option(
            "--to",
            "to_s",
            type=click.FloatRange(min=0),
            metavar="SECONDS",
            help="Only until so long after the recording began.",
        ),
        click.option(
            "--from",
            "from_s",
            type=click.FloatRange(min=0),
            metavar="SECONDS",
            help="Only from so long after the recording began.",
        ),
        click.option("--grep", metavar="REGEX", help="Only with a match in a payload, body, field or target."),
        click.option("--label", "labels", multiple=True, metavar="LABEL", help="Only events so labelled; repeatable."),
        click.option("--direction", type=click.Choice(["client", "server"]), help="Only messages of this sender."),
        click.option(
            "--connection",
            "connections",
            type=click.IntRange(min=1),
            multiple=True,
            metavar="N",
            help="Only this connection; repeatable.",
        ),
    ):
        command = option(command)
    return command


class ChoiceOptions(TypedDict):
    """The values of the options, as click hands them over."""

    connections: tuple[int, ...]
    direction: str | None
    labels: tuple[str, ...]
    grep: str | None
    from_s: float | None
    to_s: float | None
    limit: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a record must be to be shown. The header is always shown, the end record only when all are."""

    connections: frozenset[int]
    direction: Direction | None
    labels: frozenset[str]
    pattern: re.Pattern[bytes] | None
    from_ns: int
    to_ns: int | None
    limit: int | None

    @classmethod
    def parse(cls, **options: Unpack[ChoiceOptions]) -> Choice:
        """Read the options. Raises UsageError."""
        from ..cassettes import Direction, UsageError

        grep, direction = options["grep"], options["direction"]
        from_s, to_s = options["from_s"], options["to_s"]
        try:
            pattern = None if grep is None else re.compile(grep.encode())
        except (re.error, UnicodeEncodeError) as error:
            raise UsageError(f"--grep {grep!r} is not a regular expression: {error}") from error
        if from_s is not None and to_s is not None and to_s < from_s:
            raise UsageError(f"--to {to_s:g} lies before --from {from_s:g}")
        return cls(
            connections=frozenset(options["connections"]),
            direction=None if direction is None else Direction(direction),
            labels=frozenset(options["labels"]),
            pattern=pattern,
            from_ns=round((from_s or 0) * 1e9),
            to_ns=None if to_s is None else round(to_s * 1e9),
            limit=options["limit"],
        )

    @property
    def everything(self) -> bool:
        """Whether nothing is left out but what goes beyond the limit."""
        chosen = self.connections or self.labels or self.direction or self.pattern or self.from_ns
        return not chosen and self.to_ns is None

    def of(self, records: Iterable[Record], reader: EventReader | None) -> Iterator[Record]:
        """Yield the chosen records. ``reader`` is needed for labels."""
        from ..cassettes import Header, Message, Opened

        count = 0
        for record in records:
            if isinstance(record, Header):
                yield record
                continue
            labels: set[str] = set()
            if reader is not None and self.labels:
                if isinstance(record, Opened):
                    reader.opened(record)
                elif isinstance(record, Message):
                    labels = {event.label for event in reader.read(record)}
            if self.takes(record) and (not self.labels or labels & self.labels):
                yield record
                count += 1
                if count == self.limit:
                    return

    def takes(self, record: Record) -> bool:
        """Whether a record is chosen, all but its label considered."""
        from ..cassettes import Closed, End, Header, Message, Note, Opened

        if self.everything:
            return True
        if isinstance(record, Header | End):
            return False
        if record.at_ns < self.from_ns or (self.to_ns is not None and record.at_ns > self.to_ns):
            return False
        if isinstance(record, Message) and self.direction is not None and record.direction is not self.direction:
            return False
        if not isinstance(record, Message) and (self.direction is not None or self.labels):
            return False
        if self.connections:
            connection = record.connection if isinstance(record, Message | Opened | Closed | Note) else None
            if connection not in self.connections:
                return False
        return self.pattern is None or any(map(self.pattern.search, _searched(record)))


def _searched(record: Record) -> Iterator[bytes]:
    from ..cassettes import HttpExchange, Message, Note, Opened

    match record:
        case Message():
            yield record.payload
        case HttpExchange():
            yield f"{record.method} {record.target} {record.status} {record.reason}".encode("utf-8", "replace")
            yield from _fields(record.request_headers + record.response_headers)
            yield record.request_body
            yield record.response_body
        case Opened():
            shake = record.handshake
            yield f"{shake.target} {shake.status} {shake.reason}".encode("utf-8", "replace")
            yield from _fields(shake.request_headers + shake.response_headers)
            yield shake.response_body
        case Note():
            yield record.text.encode("utf-8", "replace")
        case _:
            return


def _fields(headers: tuple[tuple[str, str], ...]) -> Iterator[bytes]:
    for name, value in headers:
        yield f"{name}: {value}".encode("utf-8", "replace")
