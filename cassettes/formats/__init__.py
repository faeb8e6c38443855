"""Recordings of other tools: HAR in and out, mitmproxy's flow files and cassetter's YAML in.

``har``, ``mitmproxy`` and ``cassetter`` read the three, ``talk`` puts what they say on a cassette's clock;
``har_writing`` and ``har_own`` are the way out and back without loss. Such files are read whole, so their size is
bounded.
"""

from __future__ import annotations

from .har_writing import har_text, unseen
from .importing import Foreign, Imported, import_recording, recognise

__all__ = ["Foreign", "Imported", "har_text", "import_recording", "recognise", "unseen"]
