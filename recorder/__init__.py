"""The recorder: a wire tap between clients and one origin, writing a cassette."""

from .address import Address
from .head import RequestHead, Rewriting
from .proxy import Recorder
from .session import run
from .settings import Settings, default_output, parse_note
from .tap import Numbers, Tap
from .tape import Report, Summary, Tape

__all__ = [
    "Address",
    "Numbers",
    "Recorder",
    "Report",
    "RequestHead",
    "Rewriting",
    "Settings",
    "Summary",
    "Tap",
    "Tape",
    "default_output",
    "parse_note",
    "run",
]
