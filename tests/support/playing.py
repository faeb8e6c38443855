"""A recording played against a handler of `websockets`, and judged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from wstape.cassettes import Session, Target
from wstape.contracts import Finding, infer
from wstape.replayer import Options, Played, Player, compile_script, judge_replay

Handler = Callable[[ServerConnection], Awaitable[None]]


def play(
    recorded: Session,
    handler: Handler,
    *,
    mode: Any = "contract",
    server: dict[str, Any] | None = None,
    resource: str = "",
    **options: Any,
) -> tuple[Played, tuple[Finding, ...]]:
    """Play a recording against a handler in the same loop; return what came and what is found."""

    async def run() -> tuple[Played, tuple[Finding, ...]]:
        contract = infer([recorded.records()])
        async with serve(handler, "127.0.0.1", 0, **(server or {})) as running:
            (listener,) = running.sockets
            port: int = listener.getsockname()[1]
            target = Target.parse(f"ws://127.0.0.1:{port}{resource}")
            given: dict[str, Any] = {"timeout_ns": 500_000_000, "redact": False, **options}
            chosen = Options(target=target, **given)
            script = compile_script(recorded, contract, chosen.allowed)
            played = await Player(script, recorded, contract, chosen, "test").play()
        findings = judge_replay(
            recorded,
            played.session,
            contract,
            checker=played.checker,
            found=played.findings,
            stopped=played.stopped,
            mode=mode,
            allowed=chosen.allowed,
        )
        return played, findings

    return asyncio.run(run())
