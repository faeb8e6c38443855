"""Whether a live HTTP request, a handshake too, is the recorded one. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from ...cassettes import Headers, header
from ...contracts.json_text import NOT_JSON, parse
from .likeness import ABSENT, Knowledge, Likeness, compare, compare_text

UNSENT = frozenset(("connection", "content-length", "content-encoding", "transfer-encoding", "keep-alive", "date"))
"""Header fields of a recorded response that belong to its transport, and are made anew."""

_TELLING = ("authorization", "cookie")
"""Header fields that tell one user from another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request without its transport."""

    method: str
    target: str  # path and query, as sent
    headers: Headers
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


def compare_requests(recorded: Request, live: Request, knowledge: Knowledge) -> Likeness:
    """Compare method, path, query and body. Header fields belong to the client's library, not to what it asks."""
    likeness = Likeness()
    if recorded.method != live.method:
        likeness.add("method", recorded.method, live.method)
    paths = compare_text(recorded.path, live.path, knowledge)
    if paths is None and not _alike_paths(recorded.path, live.path, knowledge, likeness):
        likeness.add("path", recorded.path, live.path)
    likeness.echoes += paths or ()
    _compare_pairs("query", recorded.target.partition("?")[2], live.target.partition("?")[2], knowledge, likeness)
    _compare_bodies(recorded, live, knowledge, likeness)
    return likeness


def kinship(recorded: Request, live: Request, knowledge: Knowledge) -> int:
    """Count what two requests for one path have in common that tells users apart: credentials and parameters."""
    count = 0
    for name in _TELLING:
        old, new = header(recorded.headers, name), header(live.headers, name)
        count += old is not None and new is not None and compare_text(old, new, knowledge) == []
    old_query = dict(parse_qsl(recorded.target.partition("?")[2], keep_blank_values=True))
    new_query = dict(parse_qsl(live.target.partition("?")[2], keep_blank_values=True))
    return count + sum(
        key in new_query and compare(value, new_query[key], knowledge).same for key, value in old_query.items()
    )


def _alike_paths(recorded: str, live: str, knowledge: Knowledge, into: Likeness) -> bool:
    """Tell whether two paths differ in identifiers only, segment by segment."""
    old, new = recorded.split("/"), live.split("/")
    if len(old) != len(new):
        return False
    segments = compare(old, new, knowledge)
    into.echoes += segments.echoes
    return segments.same


def _compare_pairs(name: str, recorded: str, live: str, knowledge: Knowledge, into: Likeness) -> None:
    """Compare two form-encoded texts, whatever the order of their names.

    Left out is what only keeps caches from answering: jQuery's ``_``, and the ``t`` of an Engine.IO request.
    """
    old, new = (dict(parse_qsl(text, keep_blank_values=True)) for text in (recorded, live))
    for pairs in (old, new):
        for against_caches in ("_", "t" if "EIO" in pairs else "_"):
            pairs.pop(against_caches, None)
    found = compare(old, new, knowledge)
    for difference in found.differences:
        into.add(name + difference.path, difference.recorded, difference.live)
    into.echoes += found.echoes


def _compare_bodies(recorded: Request, live: Request, knowledge: Knowledge, into: Likeness) -> None:
    if recorded.body == live.body:
        return
    if not recorded.body or not live.body:
        into.add("body", recorded.body.decode("utf-8", "replace") or ABSENT, live.body.decode("utf-8", "replace"))
        return
    if "form-urlencoded" in (header(recorded.headers, "content-type") or "").lower():
        old, new = recorded.body.decode("utf-8", "replace"), live.body.decode("utf-8", "replace")
        _compare_pairs("body", old, new, knowledge, into)
        return
    old_value, new_value = parse(recorded.body), parse(live.body)
    if old_value is not NOT_JSON and new_value is not NOT_JSON:
        found = compare(old_value, new_value, knowledge)
        for difference in found.differences:
            into.add("body" + difference.path, difference.recorded, difference.live)
        into.echoes += found.echoes
        return
    texts = compare_text(recorded.body.decode("utf-8", "replace"), live.body.decode("utf-8", "replace"), knowledge)
    if texts is None:
        into.add("body", f"{len(recorded.body)} bytes", f"{len(live.body)} other bytes")
    into.echoes += texts or ()
