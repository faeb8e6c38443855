"""What stands between a test and the service: a served cassette, a recorder, or both."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..cassettes import Direction, FileError, Target, UsageError, merged, read_session, write_records
from ..contracts import Finding, Severity, fold
from ..recorder import Recorder, Settings, Summary
from ..replayer.serving import Mode, Outcome
from ..reports import Report
from .event_loop import LoopThread
from .hosting import ServedCassette
from .naming import failed_path

Recording = Literal["none", "once", "new", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a test asks for."""

    path: Path
    recording: Recording = "none"
    target: str | None = None  # of a recording; None: the first origin that is dialled
    match: Mode = "strict"
    allow: frozenset[str] = frozenset()  # labels that the client may send beyond the recording, or leave out
    allow_unused: bool = False  # connections and requests of the cassette need not be asked for
    fresh_ids: bool = False


class Tape:
    """A cassette in a test. A `Switchboard` for the clients of the test."""

    def __init__(self, wishes: Wishes, loop: LoopThread) -> None:
        self.wishes = wishes
        self.path = wishes.path
        self.told: list[str] = []
        self._loop = loop
        self._findings: list[Finding] = []
        self._service: ServedCassette | None = None
        self._recorder: Recorder | None = None
        self._origin: str | None = None
        self._part: Path | None = None  # where the recording is written until the test has passed
        self._done = False
        self._outcome = Outcome()

    # --- beginning

    def start(self) -> None:
        """Load and serve the cassette, or get ready to record. Raises UsageError and what reading a cassette raises."""
        recording, path = self.wishes.recording, self.path
        if recording != "all" and path.exists():
            wishes = self.wishes
            self._service = ServedCassette(
                path, self._loop, match=wishes.match, allow=wishes.allow, fresh_ids=wishes.fresh_ids
            )
            self._service.start()
            self.told = self._service.told
            self._origin = _origin(self._service.session.header.target)
        elif recording == "none":
            raise UsageError(f"{path}: there is no such cassette; record it with --wstape-mode once")
        if self.wishes.target is not None:
            self._origin = self._origin or _origin(self.wishes.target)
            if self._service is None:
                self._record()

    @property
    def recording(self) -> bool:
        """Whether something is being recorded."""
        return self._recorder is not None

    @property
    def address(self) -> str | None:
        """``HOST:PORT`` where clients connect; None before the first dial of a recording without a target."""
        if self._service is not None:
            return f"127.0.0.1:{self._service.port}"
        return None if self._recorder is None else str(self._recorder.address)

    @property
    def url(self) -> str:
        """Where WebSocket clients connect. Raises UsageError when a recording has no target yet."""
        return f"ws://{self._known_address()}"

    @property
    def http_url(self) -> str:
        """Where HTTP clients connect."""
        return f"http://{self._known_address()}"

    def _known_address(self) -> str:
        address = self.address
        if address is None:
            raise UsageError("nothing is served yet; name the service to record with @pytest.mark.wstape(target=URL)")
        return address

    # --- what the clients do

    def dialled(self, origin: str, path: str) -> str | None:
        """Send connections to the recorded service here, and leave others alone."""
        if self._done:
            return None
        if self._service is not None and (self.wishes.recording != "new" or self._service.knows(path)):
            if origin == self._origin:
                return self.address
            # What a test sees of it is a connection that is refused, if anything.
            line = f"{origin} was dialled and left alone: {self.path.name} was recorded for {self._origin}"
            if line not in self.told:
                self.told.append(line)
            return None
        if self._origin is None:
            self._origin = origin
        if origin != self._origin:
            return None
        if self._recorder is None:
            self._record()
        assert self._recorder is not None
        return str(self._recorder.address)

    def unread(self, port: int, texts: Sequence[str | bytes]) -> None:
        """Take it as a finding that a client closes with messages that it never took."""
        if self._service is None or port != self._service.port or self.wishes.match != "strict":
            return
        labels = [label for label in self._service.labels(texts) if label not in self.wishes.allow]
        if labels:
            names = ", ".join(f"`{label}`" for label in dict.fromkeys(labels))
            self._findings.append(_finding(f"the client closed the connection without reading {names}", labels[0]))

    def _record(self) -> None:
        assert self._origin is not None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError.from_os_error(self.path.parent, error, writing=True) from error
        handle, name = tempfile.mkstemp(prefix=f".{self.path.stem}-", suffix=".cassette", dir=self.path.parent)
        os.close(handle)
        self._part = Path(name)
        target = Target.parse(self.wishes.target or self._origin)
        recorder = Recorder(Settings(target=target, output=self._part, force=True), self.told.append)
        self._loop.run(recorder.start())
        self._recorder = recorder

    # --- the end

    @property
    def busy(self) -> bool:
        """Whether a client still has a connection open."""
        return self._service is not None and self._service.busy

    def finish(self, passed: bool) -> Report:
        """End it; keep a recording if the test has passed, else aside. Return what the clients did otherwise."""
        if self._done:
            return Report(title="", findings=())
        self._done = True
        unused: tuple[str, ...] = ()
        if self._service is not None:
            self._outcome = self._service.stop()
            self._findings += self._outcome.findings
            unused = self._outcome.never_asked
        if self._recorder is not None:
            self._keep(self._loop.run(self._recorder.stop(grace=1.0)), passed)
        if not self.wishes.allow_unused and self.wishes.match == "strict":
            self._findings += [
                _finding(f"the test never asked for {what} of {self.path.name}", None) for what in unused
            ]
        return Report(
            title=f"clients of {self.path.name}",
            findings=fold(self._findings),
            connections=self._outcome.connections,
            messages=self._outcome.messages,
        )

    def _keep(self, summary: Summary, passed: bool) -> None:
        assert self._part is not None
        part = self._part
        if not summary.connections and not summary.exchanges:
            part.unlink(missing_ok=True)
            return
        whole = passed and summary.complete and not summary.unsafe
        if not whole:
            part.replace(failed_path(self.path))
            self.told += [f"the recording is kept as {failed_path(self.path)}", *summary.problems, *summary.unsafe]
        elif self._service is not None:
            write_records(self.path, merged(self._service.session, read_session(part)).records(), force=True)
            part.unlink()
        else:
            part.replace(self.path)
        if passed and not whole:
            reason = "; ".join((*summary.problems, *summary.unsafe))
            self._findings.append(_finding(f"the recording is not kept: {reason}", None))


def _origin(url: str) -> str:
    target = Target.parse(url)
    host = f"[{target.host}]" if ":" in target.host else target.host
    return f"{'wss' if target.tls else 'ws'}://{host}:{target.port}"


def _finding(message: str, label: str | None) -> Finding:
    return Finding(
        id="replay/leftover",
        severity=Severity.BREAKING,
        direction=Direction.CLIENT,
        label=label,
        path=None,
        connection=None,
        position=None,
        message=message,
    )
