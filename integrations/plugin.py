"""The pytest plugin: cassettes for tests of WebSocket clients, and cassettes as tests.

Nothing but pytest is imported until a test, or an option, asks for more. ``docs/pytest.md`` describes it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..contracts import Finding
    from .event_loop import LoopThread
    from .hosting import RecordedService, ServedCassette
    from .tape import Tape

MODES = ("none", "once", "new", "all")
_TAPE = pytest.StashKey["Tape"]()
_LOOP = pytest.StashKey["LoopThread"]()
_ORPHANS = pytest.StashKey[set[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, all of which begin with ``--wstape-``."""
    group = parser.getgroup("wstape", "WebSocket cassettes")
    group.addoption(
        "--wstape-mode",
        choices=MODES,
        help="Recording of cassettes: none (default), once where there is none, new paths too, all again.",
    )
    group.addoption("--wstape-target", metavar="URL", help="Replay collected cassettes against this build.")
    group.addoption("--wstape-contract", metavar="FILE", help="Hold collected cassettes against this contract.")
    group.addoption(
        "--wstape-secret",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="For --wstape-target: a value for {{secret:NAME}}; also NAME=env:VAR or NAME=file:PATH. Repeatable.",
    )
    group.addoption(
        "--wstape-secrets",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="For --wstape-target: values that 'record --keep-secrets' wrote. Repeatable.",
    )
    group.addoption("--wstape-orphans", action="store_true", help="List cassettes without a test.")
    parser.addini("wstape_mode", "Recording of cassettes where CI is not set: none, once, new or all.", default="none")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        "wstape(path=None, mode=None, target=None, match='strict', allow=(), allow_unused=False, fresh_ids=False): "
        "send the test's WebSocket connections to a cassette or a recorder.",
    )


def _mode(config: pytest.Config, marked: str | None) -> str:
    """Return the recording mode: the command line's, or, where this is no CI machine, the marker's or the setting."""
    told = config.getoption("wstape_mode")
    if told:
        return str(told)
    # A CI run must not write a cassette because somebody forgot to commit it.
    if os.environ.get("CI"):
        return "none"
    mode = marked or str(config.getini("wstape_mode"))
    if mode not in MODES:
        raise pytest.UsageError(f"wstape_mode: {mode!r} is none of {', '.join(MODES)}")
    return mode


# --- a test with a cassette


def _marker(item: pytest.Item) -> pytest.Mark | None:
    marker = item.get_closest_marker("wstape")
    if marker is not None:
        return marker
    # Other plugins have a fixture of this name too, and use it in every test.
    defined: Any = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {}).get("cassette", ())
    ours = any(getattr(one.func, "__module__", "") == __name__ for one in defined[-1:])
    return pytest.mark.wstape.mark if ours else None


def _path(item: pytest.Item, marker: pytest.Mark) -> Path:
    from .naming import cassette_path

    given = marker.kwargs.get("path") or (marker.args[0] if marker.args else None)
    if given is not None:
        return item.path.parent / str(given)
    names = item.nodeid.split("::")[1:]
    return cassette_path(item.path, names)


def _loop(config: pytest.Config) -> LoopThread:
    if _LOOP not in config.stash:
        from .event_loop import LoopThread

        config.stash[_LOOP] = LoopThread()
    return config.stash[_LOOP]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin the test's tape, before any fixture of its own, but behind pytest's look at marks that skip."""
    marker = _marker(item)
    if marker is None:
        return
    from ..cassettes import WstapeError
    from .clients import plug
    from .tape import Tape, Wishes

    wanted = {key: value for key, value in marker.kwargs.items() if key not in ("path", "mode", "allow")}
    allow = marker.kwargs.get("allow", ())
    try:
        wishes = Wishes(
            path=_path(item, marker),
            recording=_mode(item.config, marker.kwargs.get("mode")),  # type: ignore[arg-type]
            allow=frozenset([allow] if isinstance(allow, str) else allow),
            **wanted,
        )
        tape = Tape(wishes, _loop(item.config))
        tape.start()
    except (WstapeError, TypeError) as error:
        raise pytest.fail.Exception(f"wstape: {error}", pytrace=False) from None
    item.stash[_TAPE] = tape
    plug(tape)
    if tape.address is not None:
        for name, value in {"WSTAPE_URL": tape.url, "WSTAPE_HTTP_URL": tape.http_url}.items():
            os.environ[name] = value


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test whose client did something else, also when the test itself has seen nothing of it."""
    tape = item.stash.get(_TAPE, None)
    try:
        result = yield
    except BaseException:
        if tape is not None:
            _say(item, tape)
        raise
    item.stash[_PASSED] = True
    # Connections that a fixture holds are judged when it has let them go.
    if tape is not None and not tape.busy:
        _judge(item, tape, passed=True)
    return result


_PASSED = pytest.StashKey[bool]()  # left out of tests that failed, and of those that a fixture has failed or skipped


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """End the tape behind the test's own fixtures."""
    try:
        return (yield)
    finally:
        tape = item.stash.get(_TAPE, None)
        if tape is not None:
            from .clients import plug

            try:
                _judge(item, tape, passed=item.stash.get(_PASSED, False))
            finally:
                plug(None)
                del item.stash[_TAPE]
                item.stash[_PASSED] = False
                for name in ("WSTAPE_URL", "WSTAPE_HTTP_URL"):
                    os.environ.pop(name, None)


def _judge(item: pytest.Item, tape: Tape, *, passed: bool) -> None:
    report = tape.finish(passed)
    item.user_properties += [("wstape_finding", finding.id) for finding in report.findings]
    if passed and report.verdict == "breaking":
        from .assertions import words

        pytest.fail(words(report), pytrace=False)


def _say(item: pytest.Item, tape: Tape) -> None:
    """Put what the tape has to say beside a failure of the test's own."""
    if tape.told:
        item.add_report_section("call", "wstape", "\n".join(tape.told))


# --- fixtures


@pytest.fixture
def cassette(request: pytest.FixtureRequest) -> Tape:
    """The test's tape: ``path``, ``recording``, ``url`` and ``http_url``."""
    return request.node.stash[_TAPE]


@pytest.fixture
def wstape_serve(request: pytest.FixtureRequest) -> Generator[Callable[..., ServedCassette]]:
    """Serve cassettes: ``service = wstape_serve("chat.cassette")`` has ``url`` and ``http_url``.

    What its clients did otherwise fails the test.
    """
    from .hosting import ServedCassette

    with ExitStack() as stack:

        def serve(path: Path | str, **options: Any) -> ServedCassette:
            return stack.enter_context(ServedCassette(request.path.parent / path, _loop(request.config), **options))

        yield serve


@pytest.fixture
def wstape_record(request: pytest.FixtureRequest) -> Generator[Callable[..., RecordedService]]:
    """Record services: ``recorder = wstape_record("ws://127.0.0.1:8000", path)`` has ``url`` and ``http_url``."""
    from .hosting import RecordedService

    with ExitStack() as stack:

        def record(target: str, path: Path | str) -> RecordedService:
            return stack.enter_context(RecordedService(target, request.path.parent / path, _loop(request.config)))

        yield record


@pytest.fixture
def wstape_replay(request: pytest.FixtureRequest) -> Callable[..., tuple[Finding, ...]]:
    """Replay a cassette against a build: ``wstape_replay("chat.cassette", url, contract)``; return the findings.

    Breaking ones fail the test. Keywords are values for placeholders: ``password="…"``.
    """
    from ..cassettes import Secrets
    from .assertions import hold
    from .hosting import replayed

    def run(path: Path | str, target: str, contract: Path | str | None = None, **secrets: str) -> tuple[Finding, ...]:
        __tracebackhide__ = True
        folder = request.path.parent
        report = replayed(folder / path, target, None if contract is None else folder / contract, Secrets(secrets))
        hold(report)
        return report.findings

    return run


# --- cassettes as items, orphans, the end


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect cassettes where a target or a contract is named."""
    options = parent.config.option
    if file_path.suffix != ".cassette" or not (options.wstape_target or options.wstape_contract):
        return None
    from .items import CassetteFile

    file: pytest.Collector = CassetteFile.from_parent(parent, path=file_path)  # pyright: ignore[reportUnknownMemberType]
    return file


def pytest_collection_finish(session: pytest.Session) -> None:
    """Find the cassettes that no collected test is named after."""
    if not session.config.getoption("wstape_orphans"):
        return
    from .naming import orphans

    marked = [(item, marker) for item in session.items if (marker := _marker(item)) is not None]
    files = {item.path for item in session.items}
    found = {str(path) for path in orphans(files, (_path(item, marker) for item, marker in marked))}
    session.config.stash[_ORPHANS] = found
    output = getattr(session.config, "workeroutput", None)
    if output is not None:  # a worker of pytest-xdist; only the controller talks
        output["wstape_orphans"] = sorted(found)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take what a worker of pytest-xdist has found."""
    found = getattr(node, "workeroutput", {}).get("wstape_orphans")
    if found is not None:
        node.config.stash[_ORPHANS] = set(found)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """List the orphans."""
    found = config.stash.get(_ORPHANS, None)
    if found is None:
        return
    terminalreporter.section("cassettes that no test is named after")
    for path in sorted(found) or ["none"]:
        terminalreporter.write_line(path)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the thread that served and recorded."""
    loop = config.stash.get(_LOOP, None)
    if loop is not None:
        loop.close()
