"""What a recording means: envelopes, events, payload shapes, scopes, sequence rules, and the contract they make up."""

from .asyncapi_export import asyncapi_document, dump_asyncapi
from .checking import Checker
from .claims import EventClaim, Learned, ScopeClaim
from .contract import Contract
from .detection import Detection, detect, find_envelopes
from .diagram import diagram_lines
from .envelopes import Envelope
from .errors import ContractError
from .event import CONNECTION, Event, ScopeKey, label_of, side
from .exhibit import SKIPPED, Exhibit, Row
from .finding import Cause, Finding, Severity, fold, verdict
from .inference import infer
from .isolation import Privacy
from .reading import EventReader
from .rules import Rule
from .scopes import Scope
from .sequences import Pending
from .shape import Shape
from .similarity import RENAMED, shape_similarity
from .stream import Stream
from .survey import Overview, Standing, overview

__all__ = [
    "CONNECTION",
    "RENAMED",
    "SKIPPED",
    "Cause",
    "Checker",
    "Contract",
    "ContractError",
    "Detection",
    "Envelope",
    "Event",
    "EventClaim",
    "EventReader",
    "Exhibit",
    "Finding",
    "Learned",
    "Overview",
    "Pending",
    "Privacy",
    "Row",
    "Rule",
    "Scope",
    "ScopeClaim",
    "ScopeKey",
    "Severity",
    "Shape",
    "Standing",
    "Stream",
    "asyncapi_document",
    "detect",
    "diagram_lines",
    "dump_asyncapi",
    "find_envelopes",
    "fold",
    "infer",
    "label_of",
    "overview",
    "shape_similarity",
    "side",
    "verdict",
]
