"""Breaking findings about what a server did, as the play and the comparison make them."""

from __future__ import annotations

from ..cassettes import Direction
from ..contracts import Cause, Finding, ScopeKey, Severity, label_of


def breaking(
    id: str,
    message: str,
    connection: int | None,
    *,
    label: str | None = None,
    path: str | None = None,
    position: int | None = None,
    baseline: object = None,
    candidate: object = None,
    missing: str | None = None,
    scope: ScopeKey | None = None,
) -> Finding:
    """Return a breaking finding. ``missing`` is the symbol of an event that never came: it names label and cause."""
    return Finding(
        id=id,
        severity=Severity.BREAKING,
        direction=Direction.SERVER,
        label=label if missing is None else label_of(missing),
        path=path,
        connection=connection,
        position=position,
        message=message,
        baseline=baseline,
        candidate=candidate,
        scope=scope,
        cause=None if missing is None else Cause(kind="missing", symbols=frozenset((missing,))),
    )
