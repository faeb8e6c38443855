"""A document's bytes as its JSON value: a contract, or an AsyncAPI document in JSON or YAML."""

from __future__ import annotations

import re
from pathlib import Path

from ..cassettes import FileError
from .errors import ContractError
from .json_text import NOT_JSON, parse

MAX_BYTES = 64 << 20
_HEAD = 65_536
_ASYNCAPI_YAML = re.compile(rb"^['\"]?asyncapi['\"]?\s*:", re.MULTILINE)


def read_document(path: Path) -> object:
    """Return a document's JSON value. Raises FileError, and ContractError when it is too large or no JSON."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ContractError(path, "", "larger than 64 MiB, so no contract", "name a .contract.json file")
        data = path.read_bytes()
    except OSError as error:
        raise FileError.from_os_error(path, error) from error
    return parse_document(data, where=path)


def parse_document(data: bytes, *, where: Path | str) -> object:
    """Return the JSON value of a document's bytes. Raises ContractError when they are too many or no JSON."""
    if len(data) > MAX_BYTES:
        raise ContractError(where, "", "larger than 64 MiB, so no contract", "name a .contract.json file")
    document = parse(data, MAX_BYTES)
    if document is NOT_JSON and _ASYNCAPI_YAML.search(data[:_HEAD]):
        from ..cassettes.formats.plain_yaml import YamlError, load_yaml

        try:
            document = load_yaml(data, aliases=True)
        except YamlError as error:
            raise ContractError(where, f"line {error.line}", error.problem, "mend the AsyncAPI document") from error
    if document is NOT_JSON:
        raise ContractError(where, "", "not JSON", "name a .contract.json file as 'wstape infer' writes it")
    return document
