"""The recorder: a reverse proxy for one origin whose relays write to one tape."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import TracebackType

from ..cassettes import (
    FLUSH_INTERVAL_NS,
    CassetteWriter,
    Closed,
    Faults,
    FileError,
    Header,
    Record,
    Redactor,
    UsageError,
    WstapeError,
    refuse_tracked,
    secure,
    unknown_secrets,
    write_secrets,
)
from .address import Address
from .backlog import Backlog
from .head import Rewriting
from .relay import Relay
from .response import ResponseRewriting
from .rotation import RotatingWriter
from .route import Route, reason
from .selection import Numbers
from .settings import Settings
from .tap import Tap
from .tape import Report, Summary, Tape
from .writer import ClippingWriter, RecordWriter, WatchedWriter

BACKLOG = 1024  # connections that the kernel accepts ahead of us; cut to its own limit
FREED = 2 << 20  # bytes
LONG_SEARCH = 32 << 20  # bytes of cassettes, from which on it is said that they are searched
HAND_OVER_NS = FLUSH_INTERVAL_NS * 3 // 4
"""When a block is handed to the thread that writes it: what is older than the flush interval shall be in the file."""


class Recorder:
    """Records what passes between clients and ``settings.target``.

    ::

        async with Recorder(settings) as recorder:
            await exercise(recorder.url)
        print(recorder.summary)

    ``report`` gets one line, free of secrets, for each thing that goes wrong while the traffic goes on.
    """

    tape: Tape
    backlog: Backlog
    route: Route
    faults: Faults

    def __init__(
        self,
        settings: Settings,
        report: Report | None = None,
        watch: Callable[[Record], None] | None = None,
        say: Report | None = None,
    ) -> None:
        """``watch`` is shown every record as it is written: redacted. ``say`` is told what takes long."""
        self.settings = settings
        self.summary: Summary | None = None  # after `stop`
        self._report: Report = report or _silent
        self._say: Report = say or _silent
        self._redactor = Redactor(rules=settings.rules) if settings.redact else None
        self._server: asyncio.Server | None = None
        self._address: Address | None = None
        self._rewriting: Rewriting | None = None
        self._numbers = Numbers(settings.selection)
        self.faults = Faults(settings.faults, settings.fault_seed)
        self._watch = watch
        self._rotating: RotatingWriter | None = None
        self._rotation_problems: list[str] = []
        self._ended = 0  # recorded connections
        self.finished = asyncio.Event()  # all that was to be recorded has been
        self._relays: set[Relay] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._reached = False
        self._failure: str | None = None

    async def start(self) -> Address:
        """Make the file, then listen; return the address.

        Raises UsageError when the address cannot be listened on, FileError when a file cannot be written. A cassette is
        made only when the address is free.
        """
        settings = self.settings
        _keep_freed_memory()
        self.route = settings.route(os.environ)
        tls = settings.listening_tls()
        if settings.keep_secrets is not None:
            _check_place(settings.keep_secrets, force=settings.force)
        sock = await _bind(settings.listen)
        try:
            self._address = Address(host=settings.listen.host, port=sock.getsockname()[1])
            self._rewriting = self._make_rewriting(self._address)
            self._server = await asyncio.get_running_loop().create_server(
                self._accept, sock=sock, ssl=tls, backlog=BACKLOG, start_serving=False
            )
            self.tape = Tape(self._open_writer(), self._redactor, self.report)
            self.backlog = Backlog(self.tape)
        except BaseException:
            if self._server is not None:
                self._server.close()
            sock.close()
            raise
        try:
            await self._server.start_serving()
        except OSError as error:
            self._server.close()
            self.tape.finish()
            raise _cannot_listen(settings.listen, error) from error
        return self._address

    async def stop(self, *, grace: float = 0.0) -> Summary:
        """Stop listening, wait up to ``grace`` seconds for open connections to end, cut the rest, finish the file.

        Problems with the files are in the summary: nothing is raised.
        """
        if self.summary is not None:
            return self.summary
        if self._server is not None:
            self._server.close()
        if self._relays and grace > 0:
            try:
                async with asyncio.timeout(grace):
                    await self._idle.wait()
            except TimeoutError:
                pass  # what is still open is cut below
        for relay in tuple(self._relays):
            relay.cut()
        more = tuple(self._rotating.paths[1:]) if self._rotating is not None else ()
        summary = self._looked_through(replace(self.tape.finish(), more=more))
        problems = [*summary.problems, *self._rotation_problems]
        if self.settings.keep_secrets is not None and self._redactor is not None:
            try:
                write_secrets(self.settings.keep_secrets, self._redactor.secrets)
            except (FileError, UsageError) as error:
                problems.append(f"the secrets are lost: {error}")
                self.report(problems[-1])
        if self._failure is not None and not self._reached:
            problems.append(f"no connection to the target ever succeeded: {self._failure}")
        self.summary = replace(summary, problems=tuple(problems))
        # The transports that were aborted close in the loop's next round.
        await asyncio.sleep(0)
        return self.summary

    async def __aenter__(self) -> Recorder:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop(grace=2.0 if kind is None else 0.0)

    def _looked_through(self, summary: Summary) -> Summary:
        """Search the finished cassettes for secrets; those that are learned late are taken out now."""
        if self._redactor is None:
            return summary
        unsafe: list[str] = []
        suspects: Counter[str] = Counter()
        problems = list(summary.problems)
        paths = (summary.path, *summary.more)
        size = sum(path.stat().st_size for path in paths if path.exists())
        if size >= LONG_SEARCH:
            self._say(f"searching {size / 2**20:,.0f} MiB once more for secrets")
        for path in paths:
            if not path.exists():
                self.report(f"{path} is not where it was; it was not searched for secrets, 'wstape scrub' does that")
                continue
            try:
                leaks = secure(path, self._redactor)
                unsafe += [f"{path}: {leak}" for leak in leaks]
                if leaks and not self.settings.allow_unsafe:
                    path.unlink()
                else:
                    suspects += unknown_secrets(path)
            except (WstapeError, OSError) as error:
                problems.append(f"{path} could not be searched for secrets: {error}")
        return replace(summary, unsafe=tuple(unsafe), suspects=suspects, problems=tuple(problems))

    @property
    def address(self) -> Address:
        """Where it listens, after `start`."""
        if self._address is None:
            raise RuntimeError("the recorder has not been started")
        return self._address

    @property
    def url(self) -> str:
        """What a WebSocket client on this machine dials: the recorder's address with TARGET's own path."""
        scheme = "ws" if self.settings.tls is None else "wss"
        return f"{scheme}://{_reachable(self.address)}{self.settings.target.resource}"

    @property
    def http_url(self) -> str:
        """What an HTTP client on this machine uses in place of the target's origin."""
        scheme = "http" if self.settings.tls is None else "https"
        return f"{scheme}://{_reachable(self.address)}"

    def report(self, text: str) -> None:
        """Pass a line on to the user, without the secrets that are known."""
        self._report(text if self._redactor is None else self._redactor.text(text))

    async def connect(self, factory: Callable[[], asyncio.Protocol]) -> None:
        """Open a connection to the target (for `Relay`). Raises OSError."""
        await self.route.connect(factory)
        self._reached = True

    def unreachable(self, error: OSError) -> str:
        """Report a failed `connect`; return the line (for `Relay`)."""
        line = self.route.failure(error)
        self._failure = line
        self.report(line)
        return line if self._redactor is None else self._redactor.text(line)

    def relay_begun(self, relay: Relay) -> None:
        """Keep a relay (for `Relay`)."""
        self._relays.add(relay)
        self._idle.clear()

    def relay_ended(self, relay: Relay) -> None:
        """Forget a relay (for `Relay`)."""
        self._relays.discard(relay)
        if not self._relays:
            self._idle.set()

    def _accept(self) -> asyncio.Protocol:
        return Relay(self, Tap(self._rewriting, self._numbers, apart=bool(self.faults))).client

    def _open_writer(self) -> RecordWriter:
        settings = self.settings
        header = Header(
            target=settings.target.url,
            created=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            wstape=version("wstape"),
            redaction=self._redactor.rules if self._redactor is not None else (),
            notes=settings.header_notes(),
        )
        record = header if self._redactor is None else self._redactor.record(header)
        if not isinstance(record, Header):
            raise AssertionError("redaction turned a header into something else")
        create = partial(
            CassetteWriter.create,
            force=settings.force,
            flush_interval_ns=HAND_OVER_NS,
            failed=partial(_call_soon, asyncio.get_running_loop(), self._check_file),
        )
        writer: RecordWriter
        if settings.rotation is None:
            writer = create(settings.output, record)
        else:
            writer = self._rotating = RotatingWriter(
                settings.output, record, settings.rotation, self._rotation_problem, create, force=settings.force
            )
        if settings.max_message is not None:
            writer = ClippingWriter(writer, settings.max_message)
        if self._watch is not None:
            writer = WatchedWriter(writer, self._watch)
        if settings.selection.connections is not None:
            writer = WatchedWriter(writer, self._count)
        return writer

    def _check_file(self) -> None:
        self.tape.check()

    def _count(self, record: Record) -> None:
        self._ended += isinstance(record, Closed)
        if self._ended == self.settings.selection.connections:
            self.finished.set()

    def _rotation_problem(self, text: str) -> None:
        self._rotation_problems.append(text)
        self.report(text)

    def _make_rewriting(self, address: Address) -> Rewriting:
        target = self.settings.target
        hosts = {str(Address(host=host, port=address.port)) for host in ("127.0.0.1", "localhost", "::1", address.host)}
        if address.port == (80 if self.settings.tls is None else 443):
            hosts |= {host.rpartition(":")[0] for host in hosts}
        return Rewriting(
            authority=target.authority,
            origin=target.origin,
            resource=target.resource,
            own=frozenset(host.lower() for host in hosts),
            preserve_host=self.settings.preserve_host,
            extensions=not self.faults.repeating,
            response=ResponseRewriting(
                host=target.host,
                port=target.port,
                tls=target.tls,
                own=str(_reachable(address)),
                own_tls=self.settings.tls is not None,
            )
            if self.settings.rewrite
            else None,
        )


def _check_place(path: Path, *, force: bool) -> None:
    """Refuse a place for the secrets now rather than when the session is over. Raises FileError and UsageError."""
    refuse_tracked(path)
    problem: int | None = None
    if path.exists() and not force:
        problem = errno.EEXIST
    elif not path.parent.is_dir():
        problem = errno.ENOENT
    elif not os.access(path.parent, os.W_OK):
        problem = errno.EACCES
    if problem is not None:
        raise FileError.from_os_error(path, OSError(problem, os.strerror(problem)), writing=True)


async def _bind(address: Address) -> socket.socket:
    """Bind the first address that the host name has: with port 0, several would get different ports."""
    # As bytes, a plain name spares the tables of IDNA, half a megabyte.
    host = address.host.encode() if address.host.isascii() else address.host
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, name = found[0]
        sock = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise _cannot_listen(address, error) from error
    try:
        sock.setblocking(False)
        # Accepted sockets inherit it: a client that vanished without a word is found out.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if os.name == "posix":  # elsewhere it would let two programs share the port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(name)
    except OSError as error:
        sock.close()
        raise _cannot_listen(address, error) from error
    return sock


def _cannot_listen(address: Address, error: Exception) -> UsageError:
    match error.errno if isinstance(error, OSError) else None:
        case errno.EADDRINUSE:
            problem = "the port is in use; choose another one, or 0 for any free one"
        case errno.EACCES:
            problem = "permission denied; choose a port above 1023, or 0 for any free one"
        case errno.EADDRNOTAVAIL:
            problem = "not an address of this machine; 127.0.0.1 always is"
        case _:
            problem = f"{reason(error)}; 127.0.0.1:0 always works"
    return UsageError(f"cannot listen on {address}: {problem}")


def _reachable(address: Address) -> Address:
    """The address for a client on this machine: a wildcard cannot be dialled everywhere."""
    wildcard = {"0.0.0.0": "127.0.0.1", "::": "::1"}
    return Address(host=wildcard.get(address.host, address.host), port=address.port)


def _keep_freed_memory() -> None:
    """Let the C library keep what large buffers leave behind, up to twice `FREED`, and use it again.

    glibc maps buffers of 128 KiB and more, and gives freed memory back to the system beyond as much; every page of the
    next buffer is then a page fault, which cost a fifth of all time for 64 KiB messages. It stops when it has seen a
    larger mapped buffer freed (mallopt(3), M_MMAP_THRESHOLD). One that is never touched costs nothing.
    """
    bytes(FREED)


def _call_soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    """Call from another thread; a loop that has ended calls nobody."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)


def _silent(text: str) -> None:
    del text
