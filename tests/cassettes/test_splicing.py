"""Values put in the place of others: what decoders read is changed there and nowhere else."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any, cast

import cbor2
import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import texts

from wstape.cassettes.splicing import Cbor, Json, MessagePack, Notation, Path, Scalar, Value, splice

WRITTEN: list[tuple[Notation, Any, Any]] = [
    (Json(), lambda value: json.dumps(value).encode(), json.loads),
    (Json(), lambda value: json.dumps(value, indent=1, ensure_ascii=False).encode(), json.loads),
    (MessagePack(), msgpack.packb, lambda data: msgpack.unpackb(data, strict_map_key=False)),
    (Cbor(), cbor2.dumps, cbor2.loads),
]
NOTATIONS = pytest.mark.parametrize(("notation", "dump", "load"), WRITTEN, ids=["json", "pretty", "msgpack", "cbor"])
scalars = texts | st.integers(min_value=-(2**63), max_value=2**64 - 1)
values = st.recursive(
    st.none() | st.booleans() | scalars | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def scalars_of(value: object, kinds: tuple[type, ...], path: Path = ()) -> dict[Path, Value]:
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return {found: leaf for key, item in pairs for found, leaf in scalars_of(item, kinds, (*path, key)).items()}
    if isinstance(value, list):
        items = enumerate(cast("list[object]", value))
        return {found: leaf for index, item in items for found, leaf in scalars_of(item, kinds, (*path, index)).items()}
    if isinstance(value, str | int | float) and isinstance(value, kinds) and not isinstance(value, bool):
        return {path: value}
    return {}


def changed(value: Any, path: Path, new: object) -> Any:
    if not path:
        return new
    step: Any = path[0]
    copy = value.copy()
    copy[step] = changed(value[step], path[1:], new)
    return copy


@NOTATIONS
@given(value=values, data=st.data())
def test_what_is_changed_is_changed_and_nothing_else(
    notation: Notation, dump: Any, load: Any, value: object, data: st.DataObject
) -> None:
    written = dump(value)
    kinds = (str, int, float) if isinstance(notation, Json) else (str, int)
    known = scalars_of(value, kinds)
    assert {leaf.path: notation.value(written[leaf.start : leaf.end]) for leaf in notation.leaves(written)} == known
    assert splice(written, known, notation) == written
    if known:
        path, new = data.draw(st.sampled_from(sorted(known, key=repr))), data.draw(scalars)
        there = splice(written, {path: new}, notation)
        assert there is not None
        assert load(there) == changed(value, path, new)
        back = splice(there, {path: known[path]}, notation)
        assert back is not None
        assert load(back) == value


@NOTATIONS
@given(data=st.binary(max_size=60))
def test_no_bytes_break_it(notation: Notation, dump: Any, load: Any, data: bytes) -> None:
    try:
        known = {leaf.path: notation.value(data[leaf.start : leaf.end]) for leaf in notation.leaves(data)}
    except ValueError:  # text that is not UTF-8, too
        return
    load(data)  # what is taken is so written
    assert splice(data, known, notation) == data


@given(values, st.integers(0, 60))
def test_what_is_cut_short_is_refused(value: object, cut: int) -> None:
    for notation, dump, _ in WRITTEN[1:]:
        data = dump([value, "end"])
        with pytest.raises(ValueError, match=r"\w"):
            notation.leaves(data[: max(0, len(data) - 1 - cut)])


@pytest.mark.parametrize(
    ("data", "path", "new", "expected"),
    [
        (b'{"a" : "x\\/y",\t"b":1.50, "a":"\\u00e9"}', ("a",), "é/", b'{"a" : "x\\/y",\t"b":1.50, "a":"\\u00e9/"}'),
        (b'{"a":"\\u4e16"}', ("a",), "世/", b'{"a":"\\u4e16/"}'),
        (b'{"a":"\xe4\xb8\x96 a\\/b"}', ("a",), "世/", b'{"a":"\xe4\xb8\x96\\/"}'),
        (b'[{"n":7}, NaN]\n', (0, "n"), "seven", b'[{"n":"seven"}, NaN]\n'),
        (b' "room" ', (), "door", b' "door" '),
    ],
)
def test_json_is_written_as_it_was(data: bytes, path: Path, new: Scalar, expected: bytes) -> None:
    assert splice(data, {path: new}, Json()) == expected


@pytest.mark.parametrize(
    ("notation", "data", "new", "expected"),
    [
        (MessagePack(), b"\xcd\x00\x07", 8, b"\xcd\x00\x08"),  # a uint16 stays one
        (MessagePack(), b"\xd1\x00\x07", -8, b"\xd1\xff\xf8"),  # and an int16
        (MessagePack(), b"\xcc\xff", 256, b"\xcd\x01\x00"),
        (MessagePack(), b"\x07", 8, b"\x08"),
        (MessagePack(), b"\x07", 200, b"\xcc\xc8"),
        (MessagePack(), b"\xd2\x00\x00\x00\x07", -1, b"\xd2\xff\xff\xff\xff"),
        (MessagePack(), b"\xda\x00\x02ab", "c", b"\xda\x00\x01c"),
        (MessagePack(), b"\xa2ab", "c" * 32, b"\xd9\x20" + b"c" * 32),
        (MessagePack(), b"\xc4\x01a", "YWI=", b"\xc4\x02ab"),
        (Cbor(), b"\x19\x00\x07", 8, b"\x19\x00\x08"),
        (Cbor(), b"\x18\x07", 256, b"\x19\x01\x00"),
        (Cbor(), b"\x07", -1, b"\x20"),
        (Cbor(), b"\x78\x01a", "b", b"\x78\x01b"),
        (Cbor(), b"\x7f\x61a\x61b\xff", "cd", b"\x62cd"),  # in chunks
        (Cbor(), b"\x41a", "YWI=", b"\x42ab"),
        (Cbor(), b"\xd9\xd9\xf7\x61a", "b", b"\xd9\xd9\xf7\x61b"),  # self-described
    ],
)
def test_widths_are_kept(notation: Notation, data: bytes, new: Scalar, expected: bytes) -> None:
    assert splice(data, {(): new}, notation) == expected


def test_extensions_tags_and_keys_that_are_no_text() -> None:
    packed = msgpack.packb({7: msgpack.ExtType(4, b"abcd"), "t": msgpack.Timestamp(1, 5)})
    expected = msgpack.packb({7: msgpack.ExtType(4, b"abcde"), "t": msgpack.Timestamp(1, 5)})
    assert splice(packed, {("7", "value"): base64.b64encode(b"abcde").decode()}, MessagePack()) == expected
    assert splice(packed, {("t",): "1970-01-01T00:00:01Z"}, MessagePack()) is None
    old, new = uuid.UUID(int=5), uuid.UUID(int=6)
    value = {b"k": [old, cbor2.CBORTag(4711, "a")], "when": cbor2.CBORTag(1, 7)}
    expected = cbor2.dumps({b"k": [new, cbor2.CBORTag(4711, "b")], "when": cbor2.CBORTag(1, 7)})
    named = Cbor(lambda key: str(key))
    assert splice(cbor2.dumps(value), {("b'k'", 0): str(new), ("b'k'", 1, "value"): "b"}, named) == expected
    assert splice(cbor2.dumps(value), {("when", "value"): 8}, named) is None
    assert splice(cbor2.dumps(value), {("b'k'", 0): "no uuid"}, named) is None
    shared = ["a"]
    assert splice(cbor2.dumps([shared, shared], value_sharing=True), {(0, 0): "b"}, Cbor()) is None


def test_what_is_not_there_or_too_large_is_refused() -> None:
    assert splice(b'{"a":true}', {("a",): "x"}, Json()) is None
    assert splice(b'{"a":1}', {("b",): "x"}, Json()) is None
    assert splice(b"\x07", {(): 2**64}, MessagePack()) is None
    assert splice(b"\x07", {(): 2**64}, Cbor()) is None
    assert splice(b"\x91" * 200 + b"\x07", {(0,) * 200: 8}, MessagePack()) is None
    assert splice(b"\xdd\xff\xff\xff\xff\x07", {(0,): 8}, MessagePack()) is None
