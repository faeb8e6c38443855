"""What ``convert`` does with contracts: out to AsyncAPI and in again."""

from __future__ import annotations

from pathlib import Path

_ASYNCAPI_SUFFIXES = (".asyncapi.yaml", ".asyncapi.yml", ".asyncapi.json")
CONTRACT_SUFFIXES = (*_ASYNCAPI_SUFFIXES, ".contract.json")
"""Ends of a file's name that ask for a contract, not for a recording."""


def convert_contract(source: Path, destination: Path, *, force: bool) -> None:
    """Write a contract or an AsyncAPI document as the one that the destination's name asks for."""
    from ..cassettes import write_text
    from ..contracts import Contract, asyncapi_document, dump_asyncapi

    contract = Contract.load(source)
    if destination.name.endswith(_ASYNCAPI_SUFFIXES):
        title = source.name.partition(".")[0] or "wstape"
        text = dump_asyncapi(asyncapi_document(contract, title=title), as_yaml=destination.suffix != ".json")
    else:
        text = contract.dumps()
    write_text(destination, text, force=force)
