"""Whether a new contract still serves the clients of an old one: schemas by inclusion, everything else by rules."""

from .comparison import compare
from .ignoring import IgnoreFile
from .inclusion import Answer, Effect, compare_schemas
from .levels import Relevel
from .revision import load
from .rule import RULES, Profile, Rule

__all__ = [
    "RULES",
    "Answer",
    "Effect",
    "IgnoreFile",
    "Profile",
    "Relevel",
    "Rule",
    "compare",
    "compare_schemas",
    "load",
]
