"""The recorder: a wire tap between clients and one origin, writing a cassette."""

from .address import Address
from .command import find_command, run_command, signals_to, status_in_words
from .head import RequestHead, Rewriting
from .loop import loop_factory
from .proxy import Recorder
from .quantity import parse_duration, parse_size
from .rotation import Rotation
from .selection import Numbers, Selection
from .session import run
from .settings import Settings, default_output, parse_note
from .status import Status, describe
from .tap import Tap
from .tape import Report, Summary, Tape

__all__ = [
    "Address",
    "Numbers",
    "Recorder",
    "Report",
    "RequestHead",
    "Rewriting",
    "Rotation",
    "Selection",
    "Settings",
    "Status",
    "Summary",
    "Tap",
    "Tape",
    "default_output",
    "describe",
    "find_command",
    "loop_factory",
    "parse_duration",
    "parse_note",
    "parse_size",
    "run",
    "run_command",
    "signals_to",
    "status_in_words",
]
