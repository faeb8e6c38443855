"""Any bytes at all: read, or refused in one line. 105,000 changed files, and what hypothesis comes up with."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import fuzzed
import pytest
from damaged import Layout
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_cassette import RECORDS, write_sample

from wstape.cassettes import CassetteFormatError, encode_line, open_cassette
from wstape.cassettes.block import MAGIC, encode_block, encode_preamble
from wstape.cassettes.record import decode_plain, encode_record

CASES = 35_000  # of each kind
QUICK = 500

LINES = "\n".join(map(encode_line, RECORDS)).encode()
PLAIN = [[*plain] for record in RECORDS for plain in decode_plain(encode_record(record))]


@pytest.fixture(scope="module")
def bytes_of_a_cassette(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return Layout(write_sample(tmp_path_factory.mktemp("fuzzing") / "a.cassette")).data


@pytest.fixture
def kinds(bytes_of_a_cassette: bytes) -> dict[str, Callable[[random.Random], bytes]]:
    return {
        "bytes of a cassette": lambda chance: fuzzed.changed(bytes_of_a_cassette, chance),
        "records behind true checksums": lambda chance: fuzzed.changed_records(PLAIN, chance),
        "lines": lambda chance: fuzzed.changed(LINES, chance),
    }


def test_the_unchanged_files_are_whole(bytes_of_a_cassette: bytes) -> None:
    assert fuzzed.read(bytes_of_a_cassette) == fuzzed.read(LINES) == ""


@pytest.mark.parametrize("kind", ["bytes of a cassette", "records behind true checksums", "lines"])
def test_changed_files(kinds: dict[str, Callable[[random.Random], bytes]], kind: str) -> None:
    assert fuzzed.run(kinds[kind], QUICK, seed=1) > QUICK // 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bytes of a cassette", "records behind true checksums", "lines"])
def test_very_many_changed_files(kinds: dict[str, Callable[[random.Random], bytes]], kind: str) -> None:
    wrong = fuzzed.run(kinds[kind], CASES, seed=2)
    print(f"{kind}: {CASES} files, {wrong} found to be wrong")
    assert wrong > CASES // 2


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_behind_the_magic(tail: bytes) -> None:
    fuzzed.read(MAGIC + tail)
    fuzzed.read(encode_preamble(0) + tail)
    fuzzed.read(encode_preamble(0) + encode_block(0, 0, tail, 0))
    fuzzed.read(encode_preamble(0) + encode_block(0, 1, tail, 0))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_any_text_behind_a_brace(tail: str) -> None:
    first = LINES.splitlines()[0]
    fuzzed.read(b"{" + tail.encode())
    fuzzed.read(first + b"\n{" + tail.encode())
    fuzzed.read(first + b'\n{"record":"message",' + tail.encode("latin-1", "replace"))


def test_a_name_on_disk_changes_nothing(tmp_path: Path, bytes_of_a_cassette: bytes) -> None:
    """What is read in memory above is what `open_cassette` reads."""
    chance = random.Random(3)
    for _ in range(50):
        path = tmp_path / "a.cassette"
        data = MAGIC + fuzzed.changed(bytes_of_a_cassette[8:], chance)
        path.write_bytes(data)
        try:
            reader = open_cassette(path)
            records = len(list(reader))
        except CassetteFormatError:
            assert fuzzed.read(data)
            continue
        assert records
        assert bool(fuzzed.read(data)) is not reader.complete
