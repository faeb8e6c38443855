"""Cassettes of every format version that was ever written are read for ever: these files are never written again."""

from __future__ import annotations

from pathlib import Path

import pytest

from wstape.cassettes import open_cassette
from wstape.cassettes.block import FORMAT_VERSION, PREAMBLE_SIZE, decode_preamble

DATA = Path(__file__).parent / "data"
VERSIONS = range(1, FORMAT_VERSION + 1)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_of_each_version_is_read(version: int) -> None:
    path = DATA / f"version-{version}.cassette"
    assert decode_preamble(path.read_bytes()[:PREAMBLE_SIZE])[0] == version
    reader = open_cassette(path)
    records = list(reader)
    assert reader.complete
    assert records == list(open_cassette(path.with_suffix(".jsonl")))
    assert len({type(record) for record in records}) == 7  # a record of every kind
