"""Finding out how recordings wrap their events: one envelope, or several by the path of the connection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from ..cassettes import PLACEHOLDER, Message, Opened, Record, UsageError
from .envelopes import Envelope, JsonEnvelope, Sample, SeveralEnvelopes, fitted, names
from .envelopes.several import ANYWHERE, path_of
from .formats import is_data_key

SAMPLE_MESSAGES = 20_000
SAMPLE_BYTES = 16 << 20
"""Messages and bytes of payload that are looked at, all recordings together; each gives the same share at most."""

MAX_PATHS = 50
"""Paths that are looked at one by one; a service with more has data in them, which is read as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The envelope of some paths."""

    pattern: str  # of the paths, "*" for all
    envelope: Envelope
    confidence: float  # from 0 to 1
    named: bool = False  # by a person, and not found

    def __str__(self) -> str:
        how = "as named" if self.named else f"confidence {self.confidence:.2f}"
        return f"{self.envelope.name} ({how})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """The envelopes of a service. `envelope` is what a contract keeps."""

    found: tuple[Found, ...]

    @property
    def envelope(self) -> Envelope:
        """The one envelope, or several by path."""
        if len(self.found) == 1 and self.found[0].pattern == ANYWHERE:
            return self.found[0].envelope
        return SeveralEnvelopes(tuple((one.pattern, one.envelope) for one in self.found))

    def lines(self) -> list[str]:
        """Say it to a person, a line an envelope."""
        if len(self.found) == 1 and self.found[0].pattern == ANYWHERE:
            return [f"envelope: {self.found[0]}"]
        return [f"envelope of {one.pattern}: {one}" for one in self.found]


def detect(messages: Iterable[Message], subprotocol: str | None = None) -> Envelope:
    """Return the envelope that explains the messages best; all of them are read, so pass a bounded sample."""
    sample = Sample()
    if subprotocol is not None:
        sample.subprotocols.add(subprotocol)
    for message in messages:
        sample.add(message)
    return fitted(sample)[1]


def find_envelopes(recordings: Sequence[Iterable[Record]], named: Sequence[str] = ()) -> Detection:
    """Return the envelopes that explain the beginnings of the recordings best, whatever their order.

    ``named`` gives envelopes instead of finding them: "NAME" for every connection, or "PATTERN=NAME" for those whose
    path matches the pattern ("*" stands for anything); the first that matches counts. Raises UsageError for an
    unknown name.
    """
    choices = [_choice(text) for text in named]
    everywhere = next((name for pattern, name in choices if pattern == ANYWHERE), None)
    patterns = {pattern: name for pattern, name in reversed(choices) if pattern != ANYWHERE}
    chosen = {pattern: patterns[pattern] for pattern, _ in choices if pattern in patterns}
    samples = _samples(recordings, tuple(chosen))
    by_person = {pattern: samples.pop(pattern, Sample()) for pattern in chosen}
    found = [_fitted(pattern, by_person[pattern], name) for pattern, name in chosen.items()]
    if len(samples) > MAX_PATHS or len(samples) < 2:
        return Detection(found=(*found, _fitted(ANYWHERE, _pooled(samples.values()), everywhere)))
    return Detection(found=(*found, *_by_path(samples, everywhere)))


def _choice(text: str) -> tuple[str, str]:
    pattern, equals, name = text.rpartition("=")
    if name not in names():
        raise UsageError(f"--envelope: {name!r} is not known; choose one of {', '.join(names())}")
    if equals and not pattern.startswith(("/", "*")):
        raise UsageError(f"--envelope: {pattern!r} is no pattern of a path; write it like /chat or /rooms/*")
    return pattern or ANYWHERE, name


def _samples(recordings: Sequence[Iterable[Record]], patterns: Sequence[str]) -> dict[str, Sample]:
    """Return samples by pattern, and by path where none matches."""
    samples: dict[str, Sample] = {}
    share = max(1, len(recordings))
    for records in recordings:
        messages, size = max(50, SAMPLE_MESSAGES // share), max(1 << 16, SAMPLE_BYTES // share)
        paths: dict[int, str] = {}
        for record in records:
            if isinstance(record, Opened):
                path = path_of(record.handshake)
                matching = next((pattern for pattern in patterns if fnmatchcase(path, pattern)), None)
                paths[record.connection] = general_path(path) if matching is None else matching
                samples.setdefault(paths[record.connection], Sample()).opened(record.handshake)
            elif isinstance(record, Message):
                samples.setdefault(paths.get(record.connection, ANYWHERE), Sample()).add(record)
                messages -= 1
                size -= len(record.payload)
                if messages <= 0 or size <= 0:
                    break
    return {path: sample for path, sample in samples.items() if sample.entries} or samples


def general_path(path: str) -> str:
    """Return a path with "*" for the segments that are data: "/rooms/42" is "/rooms/*"."""
    segments = (
        "*" if is_data_key(segment) or PLACEHOLDER.search(segment) or len(segment) > 40 else segment
        for segment in path.split("/")
    )
    return "/".join(segments)


def _fitted(pattern: str, sample: Sample, name: str | None = None) -> Found:
    confidence, envelope = fitted(sample, name)
    return Found(pattern=pattern, envelope=envelope, confidence=confidence, named=name is not None)


def _pooled(samples: Iterable[Sample]) -> Sample:
    pooled = Sample()
    for sample in samples:
        pooled.include(sample)
    return pooled


def _by_path(samples: Mapping[str, Sample], name: str | None) -> list[Found]:
    """Return one envelope for each group of paths that can share it; the last is that of most messages, for the rest.

    A few messages on one path say too little to be read by themselves: paths whose envelopes do not contradict each
    other are read together.
    """
    groups: list[tuple[list[str], Sample, Found]] = []
    for path, sample in sorted(samples.items()):
        alone = _fitted(path, sample, name)
        for number, (paths, other, found) in enumerate(groups):
            if _agree(found.envelope, alone.envelope):
                both = _pooled((other, sample))
                groups[number] = ([*paths, path], both, _fitted(path, both, name))
                break
        else:
            groups.append(([path], sample, alone))
    groups.sort(key=lambda group: (len(group[1].entries), group[0]))
    *inner, (_, _, outer) = groups
    parts = [(path, found) for paths, _, found in inner for path in paths]
    parts.sort(key=lambda part: (part[0].count("*"), part[0]))
    return [*(replace(found, pattern=path) for path, found in parts), replace(outer, pattern=ANYWHERE)]


def _agree(one: Envelope, other: Envelope) -> bool:
    if isinstance(one, JsonEnvelope) and isinstance(other, JsonEnvelope) and one.name == other.name:
        # Where one of them has found nothing, it may only have seen too little.
        pairs = (
            ((one.client, one.client_beside), (other.client, other.client_beside)),
            ((one.server, one.server_beside), (other.server, other.server_beside)),
            ((one.client_array, None), (other.client_array, None)),
            ((one.server_array, None), (other.server_array, None)),
        )
        return all(a == b or None in (a[0], b[0]) or (a[0] == b[0] and None in (a[1], b[1])) for a, b in pairs)
    return one == other
