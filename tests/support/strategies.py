"""Hypothesis strategies for records and sessions."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from wstape.cassettes import (
    Closed,
    Direction,
    End,
    Ending,
    Handshake,
    Header,
    HttpExchange,
    Kind,
    Message,
    Note,
    Opened,
    Record,
)

texts = st.text(st.characters(codec="utf-8"), max_size=20)
times = st.integers(min_value=0, max_value=2**62)
headers = st.lists(st.tuples(st.sampled_from(("Host", "X-A", "cookie")), texts), max_size=3).map(tuple)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
payloads = st.one_of(
    st.binary(max_size=40),
    texts.map(str.encode),
    json_values.map(lambda value: json.dumps(value).encode()),
    json_values.map(lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()),
)

handshakes = st.builds(
    Handshake,
    target=texts,
    request_headers=headers,
    status=st.sampled_from((101, 401, 0)),
    reason=texts,
    response_headers=headers,
    response_body=payloads,
)


@st.composite
def recordings(draw: st.DrawFn, max_size: int = 12) -> list[Record]:
    """Whole recordings: a header, records of opened connections, a true end."""
    records: list[Record] = [
        draw(
            st.builds(
                Header,
                target=texts,
                created=texts,
                wstape=texts,
                redaction=st.lists(texts, max_size=2).map(tuple),
                notes=st.dictionaries(texts, texts, max_size=2),
            )
        )
    ]
    opened: list[int] = []
    messages = exchanges = 0
    for _ in range(draw(st.integers(0, max_size))):
        kind = draw(st.sampled_from(("open", "message", "message", "closed", "http", "note")))
        if kind == "open" or not opened:
            opened.append(len(opened) + 1)
            records.append(Opened(connection=opened[-1], handshake=draw(handshakes), at_ns=draw(times)))
            continue
        connection = st.sampled_from(opened)
        match kind:
            case "message":
                messages += 1
                records.append(
                    draw(
                        st.builds(
                            Message,
                            connection=connection,
                            direction=st.sampled_from(Direction),
                            kind=st.sampled_from(Kind),
                            payload=payloads,
                            at_ns=times,
                            full_size=st.none() | times,
                        )
                    )
                )
            case "closed":
                records.append(
                    draw(
                        st.builds(
                            Closed,
                            connection=connection,
                            ending=st.sampled_from(Ending),
                            by=st.none() | st.sampled_from(Direction),
                            at_ns=times,
                        )
                    )
                )
            case "http":
                exchanges += 1
                records.append(
                    draw(
                        st.builds(
                            HttpExchange,
                            number=st.just(exchanges),
                            method=texts,
                            target=texts,
                            request_headers=headers,
                            request_body=payloads,
                            status=st.sampled_from((200, 404)),
                            reason=texts,
                            response_headers=headers,
                            response_body=payloads,
                            at_ns=times,
                            took_ns=times,
                        )
                    )
                )
            case _:
                records.append(
                    draw(
                        st.builds(Note, text=texts, at_ns=times, connection=st.none() | connection, lost=st.booleans())
                    )
                )
    records.append(
        End(
            connections=len(opened),
            messages=messages,
            exchanges=exchanges,
            at_ns=draw(times),
            repaired=draw(st.booleans()),
        )
    )
    return records
