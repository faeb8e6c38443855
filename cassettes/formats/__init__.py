"""Recordings of other tools: HAR in and out, mitmproxy's flow files and cassetter's YAML in.

``har``, ``mitmproxy`` and ``cassetter`` read the three, ``talk`` puts what they say on a cassette's clock;
``har_writing`` and ``har_own`` are the way out and back without loss. Such files are read whole, so their size is
bounded.

Only what tells files apart is imported with this package; ``importing`` and ``har_writing`` where they are needed.
"""

from __future__ import annotations

from .recognition import HEAD, Foreign, recognise

__all__ = ["HEAD", "Foreign", "recognise"]
