"""What is true of the builds of the agent service (`agents`): which break its clients, and by which finding."""

from __future__ import annotations

from typing import Any

Place = tuple[str, str | None, str | None]
"""Id, label and path of a finding."""

BREAKING: dict[str, Place] = {
    "renamed-field": ("payload/field-renamed", "agent_completed", "/answer"),
    "renamed-nested-field": ("payload/field-renamed", "agent_completed", "/usage/input_tokens"),
    "removed-field": ("payload/field-missing", "agent_completed", "/finish_reason"),
    "removed-nested-field": ("payload/field-missing", "agent_completed", "/usage/output_tokens"),
    "integer-to-string": ("payload/type-changed", "tool_completed", "/duration_ms"),
    "string-to-object": ("payload/type-changed", "agent_thinking", "/note"),
    "boolean-to-string": ("payload/type-changed", "tool_completed", "/ok"),
    "nullable": ("payload/type-changed", "agent_completed", "/answer"),
    "sometimes-null": ("payload/type-changed", "tool_completed", "/duration_ms"),
    "uuid-to-number": ("payload/type-changed", "welcome", "/session_id"),
    "renamed-event": ("event/renamed", "agent_completed", None),
    "missing-start": ("event/missing", "agent_started", None),
    "missing-tool-completed": ("event/missing", "tool_completed", None),
    "missing-end": ("replay/timeout", "agent_completed", None),
    "no-deltas": ("event/missing", "agent_delta", None),
    "lost-delta": ("payload/stream-changed", "agent_delta", "/text"),
    "doubled-delta": ("payload/stream-changed", "agent_delta", "/text"),
    "swapped-deltas": ("payload/stream-changed", "agent_delta", "/text"),
    "stream-cut-off": ("payload/stream-changed", "agent_delta", "/text"),
    "doubled-end": ("sequence/alternate_succession", "agent_completed", None),
    "doubled-tool-completed": ("sequence/alternate_succession", "tool_completed", None),
    "late-start": ("sequence/init", "agent_started", None),
    "completed-too-early": ("sequence/end", "agent_completed", None),
    "completed-before-executing": ("sequence/alternate_succession", "tool_completed", None),
    "identifier-gone": ("payload/field-missing", "tool_completed", "/tool_call_id"),
    "identifier-wrong": ("link/lost", "tool_completed", "/tool_call_id"),
    "thread-not-echoed": ("link/lost", "agent_started", "/thread_id"),
    "handshake-refused": ("handshake/status", None, None),
    "subprotocol-dropped": ("handshake/subprotocol", None, None),
    "text-to-binary": ("message/kind-changed", None, None),
    "close-code": ("close/code", None, None),
    "leak": ("isolation/leak", "agent_completed", "/run_id"),
    "crash": ("close/abnormal", "agent_completed", None),
}
"""The one breaking finding of each build that breaks clients."""

COMPATIBLE: dict[str, set[str]] = {
    "added-field": {"payload/field-added"},
    "added-object": {"payload/field-added"},
    "new-event": {"event/unknown-label"},
    "enum-grown": {"payload/enum-value"},
    "enum-shrunk": set(),
    "sequential-tools": set(),
    "one-chunk": set(),
    "other-words": set(),
    # The name of a model is no learned constant: only exact mode or a written claim tells of it.
    "constant-changed": set(),
    "reordered-keys": set(),
    "slower": set(),
}
"""The findings, none of them breaking, of each build that its clients do not notice."""


def breaking(document: dict[str, Any]) -> list[Place]:
    """The breaking findings of a JSON report."""
    return [(f["id"], f["label"], f["path"]) for f in document["findings"] if f["severity"] == "breaking"]
