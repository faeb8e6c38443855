"""Formats and patterns of strings."""

from __future__ import annotations

from collections.abc import Iterator

from ...finding import Severity
from ..box import Box
from ..inclusion import Effect
from ..pairs import ValuePair
from ..rule import Change, rule

_VALUE = '{"events": {"D:e": {"payload": {"properties": {"v": %s}}}}}'


@rule(
    "format-loosened",
    ValuePair,
    Effect.WIDENS,
    old=_VALUE % '{"type": "string", "format": "date-time"}',
    new=_VALUE % '{"type": "string"}',
    server=Severity.BREAKING,
    client=Severity.INFO,
)
def format_loosened(pair: ValuePair) -> Iterator[Change]:
    """A client that parses the format meets text that is not of it.

    The service takes any text.
    """
    for old, new in _strings(pair):
        if old.formats > new.formats and not pair.linked:
            gone = " and ".join(sorted(old.formats - new.formats))
            yield pair.change(f"{pair.named} was a {gone}, now any string", baseline=gone)


@rule(
    "format-tightened",
    ValuePair,
    Effect.NARROWS,
    old=_VALUE % '{"type": "string"}',
    new=_VALUE % '{"type": "string", "format": "date-time"}',
    server=Severity.INFO,
    client=Severity.BREAKING,
)
def format_tightened(pair: ValuePair) -> Iterator[Change]:
    """Clients are sent text of one format only.

    A client may send text that is not of the format.
    """
    for old, new in _strings(pair):
        if new.formats > old.formats:
            came = " and ".join(sorted(new.formats - old.formats))
            yield pair.change(f"{pair.named} was any string, now a {came}", candidate=came)


@rule(
    "format-changed",
    ValuePair,
    Effect.INCOMPARABLE,
    old=_VALUE % '{"type": "string", "format": "date-time"}',
    new=_VALUE % '{"type": "string", "format": "date"}',
    server=Severity.BREAKING,
    client=Severity.BREAKING,
)
def format_changed(pair: ValuePair) -> Iterator[Change]:
    """A client that parses the old format fails on the new one.

    A client that sends the old format is refused.
    """
    for old, new in _strings(pair):
        if not old.formats <= new.formats and not new.formats <= old.formats and not pair.linked:
            was, is_ = (" and ".join(sorted(box.formats)) for box in (old, new))
            yield pair.change(f"{pair.named} was a {was}, now a {is_}", baseline=was, candidate=is_)


@rule(
    "pattern-loosened",
    ValuePair,
    Effect.WIDENS,
    old=_VALUE % '{"type": "string", "pattern": "^run_"}',
    new=_VALUE % '{"type": "string"}',
    server=Severity.WARNING,
    client=Severity.INFO,
)
def pattern_loosened(pair: ValuePair) -> Iterator[Change]:
    """A client that relies on the pattern meets text that does not fit it.

    The service takes text that does not fit the pattern.
    """
    for old, new in _strings(pair):
        if old.patterns > new.patterns:
            gone = sorted(old.patterns - new.patterns)
            yield pair.change(f"{pair.named} matched {' and '.join(gone)}, now it need not", baseline=gone)


@rule(
    "pattern-tightened",
    ValuePair,
    Effect.NARROWS,
    old=_VALUE % '{"type": "string"}',
    new=_VALUE % '{"type": "string", "pattern": "^run_"}',
    server=Severity.INFO,
    client=Severity.BREAKING,
)
def pattern_tightened(pair: ValuePair) -> Iterator[Change]:
    """Clients are sent text that fits a pattern.

    A client may send text that does not fit the pattern.
    """
    for old, new in _strings(pair):
        if new.patterns > old.patterns:
            came = sorted(new.patterns - old.patterns)
            yield pair.change(f"{pair.named} must now match {' and '.join(came)}", candidate=came)


@rule(
    "pattern-changed",
    ValuePair,
    Effect.UNKNOWN,
    old=_VALUE % '{"type": "string", "pattern": "^[a-z]+$"}',
    new=_VALUE % '{"type": "string", "pattern": "^[a-z_]+$"}',
    server=Severity.WARNING,
    client=Severity.WARNING,
)
def pattern_changed(pair: ValuePair) -> Iterator[Change]:
    """Whether one pattern contains the other is not decided: look at both."""
    for old, new in _strings(pair):
        if not old.patterns <= new.patterns and not new.patterns <= old.patterns:
            was, is_ = sorted(old.patterns), sorted(new.patterns)
            yield pair.change(
                f"{pair.named} matched {' and '.join(was)}, now {' and '.join(is_)}", baseline=was, candidate=is_
            )


def _strings(pair: ValuePair) -> Iterator[tuple[Box, Box]]:
    boxes = pair.both("string")
    if boxes is not None and all(box.values is None for box in boxes):
        yield boxes
