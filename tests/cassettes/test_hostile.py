"""Cassettes that mean harm: little memory, one clear line, no traceback."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import hostile
import pytest

LIMIT = 256 << 20  # bytes that reading a file of 1 MiB may take
SUPPORT = Path(hostile.__file__).parent

# Reads each file in one process; before each, the kernel forgets the peak so far (proc(5), clear_refs).
_READ = """
import pathlib, re, sys
sys.path.insert(0, sys.argv[1])
import hostile
from wstape.cassettes import CassetteError, open_cassette

path = pathlib.Path(sys.argv[2])
for name in sorted(hostile.FILES):
    data = hostile.FILES[name]()
    assert len(data) <= hostile.SIZE, name
    path.write_bytes(data)
    del data
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    try:
        reader = open_cassette(path)
        for record in reader:
            pass
        problem = reader.problem
    except CassetteError as error:
        problem = str(error)
    reader = record = None
    status = pathlib.Path("/proc/self/status").read_text()
    peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1])
    print(f"{peak}\\t{name}\\t{problem!r}", flush=True)
"""
_COMMAND = """
import re, sys
from wstape.cli import run
status = run(sys.argv[1:])
sys.stdout.flush()
peak = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]
print(f"{status} {peak}", file=sys.stderr)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are read from Linux' /proc")
def test_every_file_is_read_in_bounded_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _READ, str(SUPPORT), str(tmp_path / "a.cassette")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert {name for _, name, _ in rows} == set(hostile.FILES)
    for peak, name, problem in rows:
        print(f"{int(peak) >> 10:5} MB  {name}: {problem[:120]}")
        assert int(peak) << 10 < LIMIT, name
        assert problem != "''", name  # none is whole
        assert "\\n" not in problem, name
        assert len(problem) < 400, name


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks are read from Linux' /proc")
@pytest.mark.parametrize(
    "name", ["large messages of wide characters", "large JSON of empty objects", "large JSON objects"]
)
def test_every_command_stays_in_bounds(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.cassette"
    path.write_bytes(hostile.FILES[name]())
    for command in (
        ["show", str(path)],
        ["show", "--events", str(path)],
        ["infer", str(path)],
        ["convert", str(path), str(tmp_path / "b.jsonl")],
        ["repair", str(path), "-o", str(tmp_path / "b.cassette")],
        ["scrub", str(path)],
    ):
        done = subprocess.run(
            [sys.executable, "-c", _COMMAND, *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        found = re.fullmatch(r"(\d) (\d+)", done.stderr.splitlines()[-1])
        assert found is not None, done.stderr
        status, peak = map(int, found.groups())
        print(f"{command[0]}: {status}, {peak >> 10} MB")
        assert status in (0, 3), done.stderr
        assert peak << 10 < LIMIT, command
