"""The main job from beginning to end, told with the real commands on the sample service.

Every command is printed as a reader can type it, run as a process of its own, and its output shown below it.
What the story claims is checked against what the commands did; a difference is told and makes it fail.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..cassettes import FileError, UsageError
from .build import REGRESSIONS, Build

CASSETTE = "chat.cassette"
CONTRACT = "chat.contract.json"
SECRETS = "chat.secrets"
BROKEN = "broken.cassette"
FILES = (CASSETTE, CONTRACT, SECRETS, BROKEN)
"""What the story leaves in its folder."""

GRACE_S = 5.0  # how long a process may take to end when asked
COMMAND_S = 50.0  # how long one command may run

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one command did."""

    status: int
    lines: tuple[str, ...]


def prepare(folder: Path | None, *, force: bool = False) -> Path:
    """Return the folder for the story's files: a fresh temporary one, or the given one, made if need be.

    Raises UsageError when it holds files of an earlier run, unless ``force``, which removes them; FileError when it
    cannot be used.
    """
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="wstape-demo-"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = [name for name in FILES if (folder / name).exists()]
        if there and not force:
            raise UsageError(f"--dir {folder}: holds {there[0]!r} already; name another folder, or add --force")
        for name in there:
            (folder / name).unlink()
        ignored = folder / ".gitignore"
        if not ignored.exists():
            # The secrets of the recording must not be committed, and `record` refuses to put them where they could be.
            ignored.write_text("*.secrets\n", encoding="utf-8")
    except OSError as error:
        raise FileError.from_os_error(folder, error, writing=True) from error
    return folder.resolve()


class Story:
    """One telling of the story. ``say`` gets every line."""

    def __init__(self, folder: Path, say: Say) -> None:
        self._folder = folder
        self._say = say
        self._differences: list[str] = []

    def tell(self) -> tuple[str, ...]:
        """Run everything and return what did not go as told; nothing when all did. Leaves no process behind."""
        self._say("A sample agent-chat service is recorded, its contract learned, and two builds are held against it.")
        self._say("Everything below is run for you, in this folder:")
        self._say("")
        self._say(f"$ cd {shlex.quote(str(self._folder))}")
        with _terminable():
            self._record_and_learn()
            if not self._differences:
                self._replay_good()
                self._replay_broken()
        self._end()
        return tuple(self._differences)

    def _record_and_learn(self) -> None:
        self._chapter(
            "1. Record.",
            "Two users, on two connections each, talk to the service through the recorder.",
        )
        with self._service(Build.GOOD) as url:
            client = ("--", sys.executable, "-m", "wstape.demo.client")
            outcome = self._run("record", url, "-o", CASSETTE, "--keep-secrets", SECRETS, *client)
        self._expect("recording", outcome, 0)
        if self._differences:
            return
        self._chapter("2. Learn.", "What held for every event, run and tool call becomes the contract.")
        self._expect("learning", self._run("infer", CASSETTE, "-o", CONTRACT), 0)

    def _replay_good(self) -> None:
        self._chapter(
            "3. Replay against the same build.",
            "Started anew it has other identifiers, tokens, counts, orders and chunks; none of that matters.",
        )
        with self._service(Build.GOOD) as url:
            outcome = self._replay(url)
        self._expect("the replay against the same build", outcome, 0)
        alarms = [line for line in outcome.lines if re.match(r"(breaking|warning)\b", line)]
        self._differences.extend(f"the same build raised a false alarm: {line}" for line in alarms)

    def _replay_broken(self) -> None:
        self._chapter(
            "4. Replay against a broken build.",
            "Three regressions are planted in it:",
            *(f"- {regression.words}" for regression in REGRESSIONS),
        )
        with self._service(Build.BROKEN) as url:
            outcome = self._replay(url, "--save", BROKEN)
        self._expect("the replay against the broken build", outcome, 1)
        breaking = [line for line in outcome.lines if line.startswith("breaking")]
        for regression in REGRESSIONS:
            pattern = rf"breaking\s+{re.escape(regression.finding)}\s.*\b{regression.label}\b"
            named = [line for line in breaking if re.match(pattern, line)]
            if len(named) != 1:
                self._differences.append(f"named {len(named)} times instead of once: {regression.words}")
            breaking = [line for line in breaking if line not in named]
        self._differences.extend(f"a finding that nobody planted: {line}" for line in breaking)

    def _replay(self, url: str, *more: str) -> Outcome:
        return self._run("replay", CASSETTE, "--contract", CONTRACT, "--target", url, "--secrets", SECRETS, *more)

    def _end(self) -> None:
        self._say("")
        if self._differences:
            self._say("This is not how the story goes:")
            for difference in self._differences:
                self._say(f"- {difference}")
            self._say(f"The files are in {self._folder}")
            return
        self._say("The same build passed, and the broken one was caught: three regressions planted, three named.")
        self._say("")
        self._say(f"The files are in {self._folder}")
        width = max(map(len, FILES))
        for name, words in (
            (CASSETTE, "the recording, secrets taken out: wstape show " + CASSETTE),
            (CONTRACT, "the contract, to be read and committed"),
            (SECRETS, "the values taken out, for replays on this machine; not to be committed"),
            (BROKEN, f"what the broken build said: wstape diff {CASSETTE} {BROKEN} --contract {CONTRACT}"),
        ):
            self._say(f"  {name:<{width}}  {words}")
        self._say("To repeat it by hand, type the commands above in an empty folder.")

    # --- telling

    def _chapter(self, title: str, *lines: str) -> None:
        self._say("")
        self._say(title)
        for line in lines:
            self._say(f"   {line}")

    def _expect(self, what: str, outcome: Outcome, status: int) -> None:
        if outcome.status != status:
            self._differences.append(f"{what} ended with exit status {outcome.status} instead of {status}")

    # --- processes

    def _run(self, *arguments: str) -> Outcome:
        """Run ``wstape`` with arguments, showing its output as it comes."""
        command = [sys.executable, "-m", "wstape.cli", *arguments]
        self._say("")
        self._say(f"$ {_typed(command)}")
        lines: list[str] = []
        with _process(command, self._folder, both=True) as process:
            assert process.stdout is not None
            limit = threading.Timer(COMMAND_S, process.terminate)
            limit.start()
            try:
                for line in process.stdout:
                    lines.append(line.rstrip("\n"))
                    self._say(f"  {lines[-1]}".rstrip())
                status = process.wait()
            finally:
                limit.cancel()
        if status:
            self._say(f"  (exit status {status})")
        return Outcome(status=status, lines=tuple(lines))

    @contextlib.contextmanager
    def _service(self, build: Build) -> Generator[str]:
        """Run the sample service on a free port; gives its URL."""
        options = () if build is Build.GOOD else ("--build", str(build))
        command = [sys.executable, "-m", "wstape.demo.service", "--port", "0", *options]
        with _process(command, self._folder, both=False) as process:
            assert process.stderr is not None
            first = process.stderr.readline().strip()
            match = re.fullmatch(r"listening on (ws://127\.0\.0\.1:(\d+))", first)
            if match is None:
                raise UsageError(f"the sample service did not start: {first or 'it said nothing'}; try it again")
            # Shown with the port that it chose, so that the commands that follow fit when they are typed again.
            shown = [sys.executable, "-m", "wstape.demo.service", "--port", match[2], *options]
            self._say("")
            self._say(f"$ {_typed(shown)} &")
            self._say(f"  {first}")
            yield match[1]


def _typed(command: Sequence[str]) -> str:
    """Return a command as a reader types it: short names where their shell finds this installation under them."""
    python = Path(sys.executable).absolute()
    words = [*command]
    if words[:3] == [sys.executable, "-m", "wstape.cli"] and _folder_of("wstape") == python.parent:
        words[:3] = ["wstape"]
    if _folder_of("python") == python.parent:
        words = ["python" if word == sys.executable else word for word in words]
    return shlex.join(words)


def _folder_of(name: str) -> Path | None:
    """The folder in which a shell finds a command."""
    found = shutil.which(name)
    return None if found is None else Path(found).absolute().parent


@contextlib.contextmanager
def _process(command: Sequence[str], folder: Path, *, both: bool) -> Generator[subprocess.Popen[str]]:
    """Run a process in a folder, and see that it has ended, whatever happens. ``both``: errors come with the output."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        # Output to a pipe is held back otherwise, and would come after the errors that it came before.
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if both else subprocess.DEVNULL,
        stderr=subprocess.STDOUT if both else subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    with process:
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def _terminable() -> Generator[None]:
    """Let SIGTERM end the story as Ctrl-C does, so that no process is left behind."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
