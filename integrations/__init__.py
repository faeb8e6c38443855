"""wstape inside other tools: the pytest plugin, and what a test imports from it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .assertions import assert_compatible

__all__ = ["assert_compatible"]


def __getattr__(name: str) -> object:
    # pytest imports this package with the plugin, in every run: it must not bring the rest of wstape with it.
    if name == "assert_compatible":
        from .assertions import assert_compatible

        return assert_compatible
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
