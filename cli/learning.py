"""Summaries of cassettes, made in this process or in several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..contracts import Envelope
    from ..contracts.summary import Summary


def summaries(
    paths: Sequence[Path], envelope: Envelope, jobs: int, named: Mapping[str, str]
) -> Iterator[tuple[Summary, Path, str]]:
    """Yield the summary of each cassette, read under an envelope, with its path and what it was found to lack.

    ``named`` are the scopes that a person names, as `Summary` takes them.
    """
    from ..contracts.summary import Summary

    if jobs == 1 or len(paths) == 1:
        for path in paths:
            summary, problem = _summary(path, envelope, named)
            yield summary, path, problem
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from functools import partial

    # A fresh interpreter: nothing of this process's threads and open files comes along.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(paths)), mp_context=spawn) as pool:
        for path, (state, problem) in zip(
            paths, pool.map(partial(_state, envelope.parameters(), named), paths), strict=True
        ):
            yield Summary.from_state(state), path, problem


def _state(envelope: dict[str, object], named: Mapping[str, str], path: Path) -> tuple[dict[str, object], str]:
    from ..contracts.envelopes import envelope_from

    summary, problem = _summary(path, envelope_from(envelope), named)
    return summary.state(), problem


def _summary(path: Path, envelope: Envelope, named: Mapping[str, str]) -> tuple[Summary, str]:
    from ..cassettes import Recording
    from ..contracts.summary import Summary

    recording = Recording(path)
    summary = Summary.of(recording, envelope, named)
    return summary, recording.problem
