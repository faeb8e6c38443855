"""One run of ``wstape demo``, as a process, shared by the tests that look at it."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(sys.executable).absolute().parent
ENVIRONMENT = {**os.environ, "PATH": f"{SCRIPTS}{os.pathsep}{os.environ.get('PATH', '')}"}
"""With the scripts of this environment first on the path, as in an activated one."""

_PLACE = tempfile.TemporaryDirectory(prefix="wstape-test-demo-")


@dataclass(frozen=True, slots=True)
class DemoRun:
    """What it did. ``lines`` are those of standard output."""

    status: int
    lines: tuple[str, ...]
    errors: str
    folder: Path

    @property
    def commands(self) -> list[str]:
        """What a reader is shown to type, in order."""
        return [line.removeprefix("$ ") for line in self.lines if line.startswith("$ ")]

    def chapter(self, number: int) -> list[str]:
        """The lines of one of the four steps."""
        begins = [index for index, line in enumerate(self.lines) if re.match(r"\d\. ", line)]
        begins.append(len(self.lines))
        return list(self.lines[begins[number - 1] : begins[number]])


@functools.cache
def demo_run() -> DemoRun:
    """Run the demo once in this process' life."""
    folder = Path(_PLACE.name, "demo")
    result = subprocess.run(
        ["wstape", "demo", "--dir", str(folder)],
        env=ENVIRONMENT,
        cwd=_PLACE.name,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    return DemoRun(result.returncode, tuple(result.stdout.splitlines()), result.stderr, folder)
