"""Redaction: secrets out of a recording before it reaches the disk, links between them kept.

`Redactor` walks over records. ``suspicion`` is the first look that spares harmless bytes all others. ``names`` knows
which names stand before a secret; ``members``, ``parameters``, ``multipart``, ``fields`` and ``shapes`` find secrets in
JSON, in parameters, in forms, in fields and by shape; ``vault`` remembers them. ``rules`` are what a project adds;
``own``, ``paths`` and ``pii`` find what those ask for.
"""

from __future__ import annotations

from .paths import JsonPath
from .redactor import RULES, Redactor
from .rules import RedactionRules, load_finder, pattern_rule, secret_variables

__all__ = ["RULES", "JsonPath", "RedactionRules", "Redactor", "load_finder", "pattern_rule", "secret_variables"]
