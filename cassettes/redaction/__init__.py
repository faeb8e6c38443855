"""Redaction: secrets out of a recording before it reaches the disk, links between them kept.

`Redactor` walks over records. ``names`` knows which names stand before a secret; ``members``, ``parameters``,
``fields`` and ``shapes`` find secrets in JSON, in parameters, in header fields and by shape; ``vault`` remembers them.
"""

from __future__ import annotations

from .redactor import RULES, Redactor

__all__ = ["RULES", "Redactor"]
