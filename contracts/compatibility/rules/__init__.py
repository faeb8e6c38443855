"""The rules, one module a family. Importing this package registers them; a new family is a module and a line here."""

from . import bounds, claims, documentation, events, formats, handshake, links, objects, sequences, types, values

__all__ = [
    "bounds",
    "claims",
    "documentation",
    "events",
    "formats",
    "handshake",
    "links",
    "objects",
    "sequences",
    "types",
    "values",
]
