"""The recording: its model, its file format, redaction, and the errors of the whole house."""

from .certificate import Certificate
from .coding import undo_encodings
from .counting import counted
from .errors import (
    CassetteError,
    CassetteFormatError,
    FileError,
    ForeignFormatError,
    JsonlFormatError,
    UnreachableError,
    UsageError,
    WstapeError,
)
from .faults import ConnectionFaults, Fault, FaultKind, Faults
from .following import follow
from .formats import Foreign
from .journal import FLUSH_INTERVAL_NS, CassetteWriter
from .jsonl import dump_json, encode_line
from .merging import merged, session_texts
from .model import (
    Closed,
    Connection,
    Direction,
    End,
    Ending,
    Handshake,
    Header,
    Headers,
    HttpExchange,
    Kind,
    Message,
    Note,
    Opened,
    Record,
    Session,
    header,
    make_message,
)
from .printable import printable
from .reader import CassetteReader, Damage, Recording, foreign_format, open_cassette, read_session
from .redaction import JsonPath, RedactionRules, Redactor, load_finder, pattern_rule, secret_variables
from .references import RECORDING_SUFFIXES, project_of, references, walk
from .scrubbing import Leak, find_leaks, leaks_in, redact_all, scrub, secure, unknown_secrets
from .secrets import PLACEHOLDER, Secrets, encoded_value, plain_name, refuse_tracked, write_secrets
from .target import Target
from .unreached import why_unreached
from .writing import write_records, write_text

__all__ = [
    "FLUSH_INTERVAL_NS",
    "PLACEHOLDER",
    "RECORDING_SUFFIXES",
    "CassetteError",
    "CassetteFormatError",
    "CassetteReader",
    "CassetteWriter",
    "Certificate",
    "Closed",
    "Connection",
    "ConnectionFaults",
    "Damage",
    "Direction",
    "End",
    "Ending",
    "Fault",
    "FaultKind",
    "Faults",
    "FileError",
    "Foreign",
    "ForeignFormatError",
    "Handshake",
    "Header",
    "Headers",
    "HttpExchange",
    "JsonPath",
    "JsonlFormatError",
    "Kind",
    "Leak",
    "Message",
    "Note",
    "Opened",
    "Record",
    "Recording",
    "RedactionRules",
    "Redactor",
    "Secrets",
    "Session",
    "Target",
    "UnreachableError",
    "UsageError",
    "WstapeError",
    "counted",
    "dump_json",
    "encode_line",
    "encoded_value",
    "find_leaks",
    "follow",
    "foreign_format",
    "header",
    "leaks_in",
    "load_finder",
    "make_message",
    "merged",
    "open_cassette",
    "pattern_rule",
    "plain_name",
    "printable",
    "project_of",
    "read_session",
    "redact_all",
    "references",
    "refuse_tracked",
    "scrub",
    "secret_variables",
    "secure",
    "session_texts",
    "undo_encodings",
    "unknown_secrets",
    "walk",
    "why_unreached",
    "write_records",
    "write_secrets",
    "write_text",
]
