"""What a project adds to redaction: own names, places, patterns and functions, the environment, personal data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from ..errors import UsageError
from .names import VOCABULARY, Certainty, SecretName, is_secret, secret_name, snake
from .paths import JsonPath

Finder = Callable[[str], Iterable[str]]
"""Takes the text of a message, a body, a target or a header field; gives back the parts of it that are secrets."""

_MINIMUM_LENGTH = 6  # of a value from the environment; shorter ones stand in other text by chance
_NOT_A_VALUE = re.compile(r"[/~.]|[A-Za-z]:\\|[a-z][a-z0-9+.\-]*://")  # a path or an address, as SSH_AUTH_SOCK has
_KIND = re.compile(r"[A-Za-z0-9_.\-]{1,60}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactionRules:
    """Rules beyond the ones that always hold.

    ``keys`` are names of JSON keys, parameters, form and header fields; ``paths`` places in JSON; ``patterns`` are by
    kind, the first group is the secret (the whole match where there is no group); ``finders`` are functions by kind.
    ``environment`` are variables whose values are secrets, from `secret_variables`.
    """

    keys: tuple[str, ...] = ()
    paths: tuple[JsonPath, ...] = ()
    patterns: tuple[tuple[str, re.Pattern[bytes]], ...] = ()
    finders: tuple[tuple[str, Finder], ...] = ()
    pii: bool = False
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The rules in words, for `Header.redaction`. No value is among them."""
        named = [f"key {key}" for key in self.keys]
        named += [f"path {path}" for path in self.paths]
        named += [f"pattern {kind}" for kind, _ in self.patterns]  # a pattern may spell the secret out
        named += [f"function {kind}" for kind, _ in self.finders]
        return (*(("environment",) if self.environment else ()), *(("pii",) if self.pii else ()), *named)

    @property
    def own(self) -> bool:
        """Whether anything here has to look at every text for itself."""
        return bool(self.keys or self.paths or self.patterns or self.finders or self.pii)

    def key(self, name: str) -> SecretName | None:
        """Tell whether one of ``keys`` is meant, with case, ``_``, ``-`` and camelCase folded."""
        folded = snake(name).replace("_", "")
        for key in self.keys:
            kind = snake(key)
            if kind.replace("_", "") == folded:
                return SecretName(kind=kind, certainty=Certainty.SURE, numeric=True)
        return None


def secret_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an environment that look like secrets, by their names and values."""
    found: dict[str, str] = {}
    for variable, value in environ.items():
        name = secret_name(variable)
        if name is None or len(value) < _MINIMUM_LENGTH or not _KIND.fullmatch(variable):
            continue
        raw = value.encode("utf-8", "surrogateescape")
        if _NOT_A_VALUE.match(value) or value.lower() in VOCABULARY or not is_secret(name, raw):
            continue
        found[variable] = value
    return found


def pattern_rule(text: str) -> tuple[str, re.Pattern[bytes]]:
    """Compile a pattern; ``(?P<kind>…)`` names the secret's kind, otherwise it is ``custom``. Raises UsageError."""
    try:
        pattern = re.compile(text.encode())
    except re.error as error:
        raise UsageError(f"redaction pattern {text!r} is not a regular expression ({error}); mend it") from error
    if pattern.match(b"") is not None:
        raise UsageError(f"redaction pattern {text!r} matches the empty text; make it ask for something")
    named = next(iter(pattern.groupindex), None)
    return named or "custom", pattern


def load_finder(text: str) -> tuple[str, Finder]:
    """Import ``module:function``. Raises UsageError when that is not a function."""
    import importlib

    module, colon, name = text.partition(":")
    if not colon or not module or not name:
        raise UsageError(f"redaction function {text!r} is not of the form module:function")
    try:
        finder: object = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"redaction function {text!r} cannot be imported ({error}); run wstape beside it") from error
    if not callable(finder):
        raise UsageError(f"redaction function {text!r} is not a function")
    return snake(name) or "custom", cast("Finder", finder)
