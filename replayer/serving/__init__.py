"""The server role: real clients are answered from a cassette."""

from .conversation import Conversation, Leave, Manner, Mode, Say
from .desk import Desk, Outcome, placeholders
from .freshness import freshness
from .part import Part, compile_part
from .programme import Programme, contract_of
from .service import Service

__all__ = [
    "Conversation",
    "Desk",
    "Leave",
    "Manner",
    "Mode",
    "Outcome",
    "Part",
    "Programme",
    "Say",
    "Service",
    "compile_part",
    "contract_of",
    "freshness",
    "placeholders",
]
