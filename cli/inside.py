"""A recording as its events, as a script, and where its client's values came from, for ``show``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ..cassettes import Direction, Message, Opened, Record, Session, counted, printable
from ..contracts import CONNECTION, Envelope, EventReader, infer
from ..replayer import Overrides, agreed, compile_script, confidence, find_bindings, screenplay, traces
from .choice import Choice

_ARROWS = {Direction.CLIENT: "->", Direction.SERVER: "<-"}


def event_lines(records: Iterable[Record], envelope: Envelope, choice: Choice) -> Iterator[str]:
    """Yield a line a chosen event: time, connection, direction, label, and the identifiers of the scopes it is in.

    ``records`` are iterated several times, to find the scopes first. Raises ContractError when there is no
    event.
    """
    contract = infer([records], envelope=envelope)
    reader = EventReader(contract.envelope)
    shown = 0
    for record in records:
        if isinstance(record, Opened):
            reader.opened(record)
        if not isinstance(record, Message):
            continue
        for event in reader.read(record):
            if not choice.takes(record) or (choice.labels and event.label not in choice.labels):
                continue
            keys = (f"{key.name}={key.value}" for key in contract.scope_keys(event) if key.name != CONNECTION)
            place = f"{event.at_ns / 1e9:9.3f}  #{event.connection:<4} {event.position:>5} {_ARROWS[event.direction]}"
            yield f"{place} {printable(event.label):<24} {printable(' '.join(keys))}".rstrip()
            shown += 1
            if shown == choice.limit:
                return


def binding_lines(session: Session, envelope: Envelope, others: Sequence[Session] = ()) -> Iterator[str]:
    """Yield a line for each value of the client that the server issued, and for each that must come from outside.

    ``others`` are recordings of the same, with which the bindings may agree or not.
    """
    sessions = (session, *others)
    recordings = [find_bindings(one, traces(one, envelope)) for one in sessions]
    numbers = agreed(recordings)
    if numbers:
        said = Overrides(agreed=numbers)
        recordings = [find_bindings(one, traces(one, envelope), said) for one in sessions]
    found = recordings[0]
    uses = Counter(hole.value for holes in found.holes.values() for hole in holes)
    uses.update(token for tokens in found.tokens.values() for token in tokens)
    counters = Counter(str(one) for some in found.latest.values() for one in some)
    if not found.bindings and not found.secrets and not counters:
        yield "no value of the client came from the server"
    for binding in found.bindings:
        times = uses[binding.value]
        yield (
            f"{printable(str(binding.value))}  from {printable(str(binding.source))}"
            f", sent by the client {counted(times, 'time')}; {confidence(binding, recordings)}"
        )
    for counter, times in counters.items():
        yield f"{printable(counter)}, sent by the client {counted(times, 'time')}"
    for name in found.secrets:
        yield f"{{{{secret:{name}}}}}  from outside: replay needs --secret {name}=VALUE or --secrets FILE"


def script_lines(session: Session, envelope: Envelope) -> Iterator[str]:
    """Return what a replay of the session does, step by step, and what each step waits for, a line each."""
    return screenplay(compile_script(session, infer([session.records()], envelope=envelope)))
