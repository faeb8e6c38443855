"""The report as annotations of a GitHub Actions job: workflow commands, which the runner reads out of a step's output.

Escaped as the toolkit of GitHub's own actions does it: ``%`` and line ends everywhere, ``:`` and ``,`` in properties.
"""

from __future__ import annotations

import posixpath
from pathlib import PurePath

from ..cassettes import printable
from ..contracts import Severity
from .report import Report
from .words import describe, outcome, place, scope

_COMMANDS = {Severity.BREAKING: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_ROOM = 4096
"""Characters of a message that the runner passes on."""


def render_annotations(report: Report, *, folder: str = "") -> str:
    """Return a line for each finding, the worst first, since GitHub shows ten of a kind for a step.

    ``folder`` is where the names of files count from, as seen from the top of the work tree, which is where GitHub
    counts from. An annotation stands at the first line of the file: findings are of recordings, which have no lines.
    """
    lines = [
        _command(
            _COMMANDS[finding.severity],
            file=_from_top(report.file_of(finding), folder),
            title=f"{finding.id} {printable(place(finding))}".rstrip(),
            message="\n".join(printable(line) for line in describe(finding).splitlines()[1:]),
        )
        for finding in report.findings
    ]
    if not report.complete:
        message = f"a recording lacks its end: {scope(report)}"
        lines.append(_command("error", file=_from_top(report.file, folder), title=outcome(report), message=message))
    return "".join(f"{line}\n" for line in lines)


def unread(text: str, token: str) -> str:
    """Return lines that the runner prints without reading them: no payload in them can be a command.

    ``token`` ends that, so it must be one that nobody can guess.
    """
    return f"::stop-commands::{token}\n{text}::{token}::\n"


def _command(name: str, *, file: str | None, title: str, message: str) -> str:
    properties = {**({} if file is None else {"file": file, "line": "1"}), "title": title}
    cut = message if len(message) <= _ROOM else f"{message[: _ROOM - 1]}…"
    return f"::{name} {','.join(f'{key}={_property(value)}' for key, value in properties.items())}::{_data(cut)}"


def _from_top(file: str | None, folder: str) -> str | None:
    return None if file is None else printable(posixpath.normpath(posixpath.join(folder, PurePath(file).as_posix())))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
