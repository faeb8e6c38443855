"""The severities that the design asks for, rule by rule, and what changes them: profiles, evidence, pins, one's own."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemas import edited, schemas

from wstape.contracts import Contract
from wstape.contracts.compatibility import RULES, Answer, Profile, Relevel, compare, compare_schemas

B, W, I, OFF = "breaking", "warning", "info", None  # noqa: E741
TODAY = datetime.date(2026, 6, 1)

# By kind of edit: the rules, each with its severity for what the server sends and for what clients send.
# "-": there is no such rule.
ROWS: dict[str, dict[str, tuple[str | None, str | None]]] = {
    "E01 removed": {"event-removed": (B, B)},
    "E02 added": {"event-added": (I, I)},
    "E03 renamed": {"event-renamed": (B, B)},
    "E04 discriminator": {"discriminator-changed": (B, B)},
    "E05 direction": {"event-direction-changed": (B, B)},
    "P01 required gone": {"required-property-removed": (B, I)},
    "P02 optional gone": {"optional-property-removed": (W, I)},
    "P03 now optional": {"property-became-optional": (B, I)},
    "P04 now required": {"property-became-required": (I, B)},
    "P05 new required": {"required-property-added": (I, B)},
    "P06 new optional": {"optional-property-added": (I, I)},
    "P07 renamed": {"property-renamed": (B, B)},
    "P08 closed, opened": {"additional-properties-closed": (I, B), "additional-properties-opened": (W, I)},
    "T01 widened": {"type-widened": (B, I)},
    "T02 narrowed": {"type-narrowed": (I, B)},
    "T03 incomparable": {"type-changed": (B, B)},
    "T04 1 and 1.0": {"number-written-as-fraction": (I, I)},
    "V01 value added": {"enum-value-added": (W, I)},
    "V02 value removed": {"enum-value-removed": (I, B)},
    "V03 constant": {"constant-changed": (B, B)},
    "V04 closed, opened": {"values-closed": (I, B), "values-opened": (B, I)},
    "V05 default": {"default-changed": ("-", W)},
    "C01 upper raised": {"upper-bound-raised": (B, I)},
    "C02 upper lowered": {"upper-bound-lowered": (I, B)},
    "C03 lower": {"lower-bound-lowered": (B, I), "lower-bound-raised": (I, B)},
    "C04 format, pattern": {
        "format-loosened": (B, I),
        "format-tightened": (I, B),
        "format-changed": (B, B),
        "pattern-loosened": (W, I),
        "pattern-tightened": (I, B),
    },
    "C05 undecided": {"pattern-changed": (W, W), "constraint-undecided": (W, W)},
    "C06 items": {"items-loosened": (B, I), "items-tightened": (I, B), "tuple-changed": (B, B)},
    "other constraints": {
        "constraint-loosened": (B, I),
        "constraint-tightened": (I, B),
        "constraint-changed": (B, B),
    },
    "S01 predecessor": {"predecessor-lost": (B, "-")},
    "S02 terminal": {"terminal-lost": (B, "-")},
    "S03 pairing": {"pairing-broken": (B, B)},
    "S04 cardinality": {"cardinality-loosened": (B, "-"), "cardinality-tightened": (I, "-")},
    "S05 order": {"order-changed": (B, W), "order-loosened": (B, W)},
    "S06 interleaving": {"interleaving-added": (I, I)},
    "S07 handshake": {"handshake-grew": (B, B)},
    "S08 reply": {"reply-lost": (B, "-")},
    "K01 closing": {"close-code-changed": (B, "-"), "server-closes": (B, "-")},
    "K02 connecting": {
        "subprotocol-lost": (B, "-"),
        "path-changed": ("-", B),
        "handshake-parameter-added": ("-", B),
        "handshake-parameter-removed": ("-", I),
        "handshake-unstated": ("-", W),
    },
    "K03 frames": {"frame-kind-changed": (B, B), "encoding-changed": (B, B)},
    "I01 link": {"link-lost": (B, B), "link-broken": (B, B), "link-unconfirmed": (W, W)},
    "I02 id format": {"id-format-changed": (W, I)},
    "streams and privacy": {"stream-broken": (B, I), "privacy-lost": (B, "-"), "behaviour-unstated": (W, "-")},
    "M01 words": {"documentation-changed": (OFF, OFF)},
    "M02 lifecycle": {
        "deprecated": (I, I),
        "property-deprecated": (I, I),
        "removed-before-sunset": (B, B),
        "property-removed-before-sunset": (B, B),
        "removed-after-sunset": (I, I),
        "property-removed-after-sunset": (I, I),
    },
}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_of_the_design_has_its_rules_with_its_severities(row: str) -> None:
    for name, expected in ROWS[row].items():
        for side, level in zip(("server", "client"), expected, strict=True):
            rule = RULES.get(f"{side}/{name}")
            assert (rule.levels.default if rule is not None else "-") == level, f"{side}/{name}"


def test_there_is_no_rule_without_a_row() -> None:
    assert {rule.name for rule in RULES.values()} == {name for row in ROWS.values() for name in row}


def test_profiles() -> None:
    differing = {
        rule.id: tuple(str(rule.levels.of(profile)) for profile in Profile)
        for rule in RULES.values()
        if len({rule.levels.of(profile) for profile in Profile}) > 1
    }
    assert differing == {
        "server/event-added": (W, I, I),
        "server/optional-property-added": (B, I, I),
        "server/optional-property-removed": (W, W, I),
        "server/enum-value-added": (W, W, I),
        "server/order-loosened": (B, B, I),
        "client/order-loosened": (W, W, I),
    }


def pair(side: str, old: dict[str, Any], new: dict[str, Any], **event: object) -> tuple[Contract, Contract]:
    return tuple(
        Contract.from_document(
            {
                "wstape": "contract",
                "version": 1,
                "envelope": {"name": "json", "client": "/type", "server": "/type"},
                "events": {f"{side}:e": {**event, "payload": payload}},
            }
        )
        for payload in (old, new)
    )  # pyright: ignore[reportReturnType]


def found(old: Contract, new: Contract, **options: Any) -> list[tuple[str, str]]:
    return [(finding.id, str(finding.severity)) for finding in compare(old, new, today=TODAY, **options)]


def obj(closed: bool = False, required: tuple[str, ...] = (), **properties: object) -> dict[str, Any]:
    return {"properties": properties, "required": list(required), **({"additionalProperties": False} if closed else {})}


TEXT = {"type": "string"}


def test_what_is_unknown_is_breaking_in_strict() -> None:
    contracts = pair("server", obj(v={**TEXT, "pattern": "^a+$"}), obj(v={**TEXT, "pattern": "^b+$"}))
    assert found(*contracts) == [("server/pattern-changed", W)]
    assert found(*contracts, profile=Profile.STRICT) == [("server/pattern-changed", B)]


def test_a_closed_consumer_refuses_a_new_field() -> None:
    assert found(*pair("server", obj(closed=True), obj(closed=True, v=TEXT)))[0] == (
        "server/optional-property-added",
        B,
    )
    assert found(*pair("server", obj(), obj(v=TEXT))) == [("server/optional-property-added", I)]


def test_a_closed_service_refuses_an_old_field() -> None:
    gone = found(*pair("client", obj(closed=True, v=TEXT), obj(closed=True)))
    assert gone == [("client/optional-property-removed", B)]
    gone = found(*pair("client", obj(closed=True, v=TEXT, required=("v",)), obj(closed=True)))
    assert gone == [("client/required-property-removed", W)]


def test_a_new_field_may_clash_with_what_clients_could_send() -> None:
    old = {**obj(), "additionalProperties": TEXT}
    assert found(*pair("client", old, {**old, **obj(v={"type": "integer"})})) == [("client/optional-property-added", W)]
    assert found(*pair("client", old, {**old, **obj(v=TEXT)})) == [("client/optional-property-added", I)]


@pytest.mark.parametrize(("seen", "scopes", "severity"), [(9, 9, W), (10, 2, W), (10, 3, B), (None, 0, B)])
def test_a_claim_with_little_behind_it_only_warns(seen: int | None, scopes: int, severity: str) -> None:
    evidence = {} if seen is None else {"x-wstape-seen": seen}
    event = {} if seen is None else {"seen": seen, "scopes": scopes}
    old = {**obj(v=TEXT, required=("v",)), **evidence}
    assert found(*pair("server", old, {**obj(v=TEXT), **evidence}, **event)) == [
        ("server/property-became-optional", severity)
    ]


def test_of_clients_the_new_claim_must_be_firm() -> None:
    thin, firm = {"x-wstape-seen": 2}, {"x-wstape-seen": 20}
    event = {"seen": 20, "scopes": 20}
    old, new = obj(v=TEXT), obj(v=TEXT, required=("v",))
    assert found(*pair("client", {**old, **firm}, {**new, **thin}, **event)) == [("client/property-became-required", W)]
    assert found(*pair("client", {**old, **thin}, {**new, **firm}, **event)) == [("client/property-became-required", B)]


def test_a_pin_gates_whatever_the_level() -> None:
    pinned = {**TEXT, "x-wstape-seen": 1, "x-wstape-pinned": True}
    assert found(*pair("server", obj(v=pinned), obj())) == [("server/optional-property-removed", B)]
    # What narrows breaks no promise of the server.
    long = {**pinned, "maxLength": 9}
    assert found(*pair("server", obj(v=long), obj(v={**long, "maxLength": 8}))) == [("server/upper-bound-lowered", I)]


def test_a_value_that_was_common_is_missed() -> None:
    enum = {"enum": ["a", "b"], "x-wstape-seen": 40}
    contracts = pair("server", obj(v=enum), obj(v={**enum, "enum": ["a"]}), seen=40, scopes=9)
    assert found(*contracts) == [("server/enum-value-removed", W)]


def test_a_level_of_ones_own_decides_alone() -> None:
    contracts = pair("server", obj(v=TEXT), obj())
    levels = [Relevel.parse("server/*=info"), Relevel.parse("server/optional-property-removed@e/v=breaking")]
    assert found(*contracts, levels=levels) == [("server/optional-property-removed", B)]
    assert found(*contracts, levels=levels[::-1]) == [("server/optional-property-removed", I)]


def test_a_change_that_inclusion_proves_harmless_is_news_only() -> None:
    longer, shorter = {**TEXT, "pattern": "^run_"}, {**TEXT, "pattern": "^run"}
    assert found(*pair("server", obj(v=shorter), obj(v=longer))) == [("server/pattern-changed", I)]
    assert found(*pair("client", obj(v=longer), obj(v=shorter))) == [("client/pattern-changed", I)]
    assert found(*pair("server", obj(v=longer), obj(v=shorter))) == [("server/pattern-changed", W)]


def test_what_no_rule_explains_is_still_told() -> None:
    old = {"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 5}]}
    assert found(*pair("server", old, {"anyOf": old["oneOf"]})) == [("server/constraint-loosened", B)]


def test_news_elsewhere_hides_nothing() -> None:
    """A change that no rule knows is told beside others that are harmless."""
    closed: dict[str, Any] = {"allOf": [obj(a=TEXT)], "unevaluatedProperties": False}
    old, new = closed, {**closed, "allOf": [obj(a={**TEXT, "title": "A"}, b=TEXT)]}
    assert found(*pair("server", old, new)) == [
        ("server/constraint-loosened", B),
        ("server/optional-property-added", I),
    ]
    assert {severity for _, severity in found(*pair("client", old, new))} == {I}
    gone = {"deprecated": True, "x-wstape-sunset": "2001-01-01", **TEXT}
    assert found(*pair("client", obj(closed=True, v=gone), obj(closed=True))) == [
        ("client/property-removed-after-sunset", I)
    ]


def test_true_is_not_one() -> None:
    assert found(*pair("server", obj(v={"const": True}), obj(v={"const": 1}))) == [("server/type-changed", B)]
    assert found(*pair("server", obj(v={"enum": [0, "a"]}), obj(v={"enum": [False, "a"]}))) == [
        ("server/type-changed", B)
    ]


def test_reordering_and_renaming_definitions_is_no_change() -> None:
    old = {"$defs": {"a": TEXT}, "properties": {"v": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "null"}]}}}
    new = {"properties": {"v": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/b"}]}}, "$defs": {"b": TEXT}}
    assert found(*pair("server", old, new), profile=Profile.STRICT) == []


def test_a_renamed_event_is_compared_too() -> None:
    old, new = pair("server", obj(v=TEXT, w=TEXT, x=TEXT, y=TEXT), obj(v=TEXT, w=TEXT, x=TEXT))
    document: Any = new.document()
    document["events"] = {"server:f": document["events"]["server:e"]}
    assert found(old, Contract.from_document(document)) == [
        ("server/event-renamed", B),
        ("server/optional-property-removed", W),
    ]


def seen(times: int | None, schema: dict[str, Any]) -> dict[str, Any]:
    return schema if times is None else {**schema, "x-wstape-seen": times}


VARIANTS = [obj(required=("kind", name), kind={"const": name}, **{name: TEXT}) for name in ("a", "b")]
PAIR = {"type": "array", "prefixItems": [TEXT, {"type": "integer"}], "minItems": 2}


@pytest.mark.parametrize(
    ("claimed", "bare"),
    [
        ({"type": "object", "anyOf": VARIANTS}, {"type": "object", **obj(kind=TEXT, a=TEXT, b=TEXT)}),
        (PAIR, {"type": "array", "items": {"type": ["string", "integer"]}}),
    ],
)
@pytest.mark.parametrize(("times", "severity"), [(4, W), (29, W), (30, B), (None, B)])
def test_what_is_only_learned_from_some_samples_is_not_missed_in_few(
    claimed: dict[str, Any], bare: dict[str, Any], times: int | None, severity: str
) -> None:
    """Variants and tuples."""
    firm = {} if times is None else {"seen": 40, "scopes": 9}
    full, thin = obj(v=seen(times and 40, claimed)), obj(v=seen(times, bare))
    assert found(*pair("server", full, thin, **firm))[0][1] == severity
    assert found(*pair("client", thin, full, **firm))[0][1] == severity


@pytest.mark.parametrize(("times", "severity"), [(None, B), (40, W)])
def test_of_items_that_no_array_had_nothing_is_learned(times: int | None, severity: str) -> None:
    event = {} if times is None else {"seen": 40, "scopes": 9}
    some, none = ({"type": "array", **items} for items in ({"items": seen(times, TEXT)}, {}))
    full, empty = (obj(v=seen(times, schema)) for schema in (some, none))
    assert found(*pair("server", full, empty, **event)) == [("server/type-widened", severity)]
    assert found(*pair("client", empty, full, **event)) == [("client/type-narrowed", severity)]


@pytest.mark.parametrize(("times", "severity"), [(None, B), (40, W)])
def test_a_learned_list_of_what_clients_send_is_no_demand(times: int | None, severity: str) -> None:
    event = {} if times is None else {"seen": 40, "scopes": 9}
    listed = {**TEXT, "enum": ["a", "b"]}
    contracts = pair("client", obj(v=seen(times, TEXT)), obj(v=seen(times, listed)), **event)
    assert found(*contracts) == [("client/values-closed", severity)]


@pytest.mark.parametrize(("times", "severity"), [(None, B), (16, W), (17, B)])
def test_a_value_that_clients_may_only_not_have_sent_is_a_warning(times: int | None, severity: str) -> None:
    event = {} if times is None else {"seen": 40, "scopes": 9}
    old, new = ({**TEXT, "enum": values} for values in (["a", "b", "c"], ["a", "b"]))
    contracts = pair("client", obj(v=seen(times and 40, old)), obj(v=seen(times, new)), **event)
    assert found(*contracts) == [("client/enum-value-removed", severity)]


def unlabelled(side: str, *events: tuple[str, ...]) -> Contract:
    payloads = {
        f"{side}:{{{','.join(sorted(fields))}}}": {"payload": obj(required=fields, **dict.fromkeys(fields, TEXT))}
        for fields in events
    }
    document = {"wstape": "contract", "version": 1, "envelope": {"name": "json"}, "events": payloads}
    return Contract.from_document(document)


def test_a_label_that_does_not_travel_is_no_name() -> None:
    """An event that is labelled by its fields and has others now is the same event."""
    small, large = unlabelled("server", ("a",), ("x", "y")), unlabelled("server", ("a", "b"), ("x", "y"))
    assert found(small, large) == [("server/required-property-added", I)]
    assert found(large, small) == [("server/required-property-removed", B)]
    small, large = unlabelled("client", ("a",)), unlabelled("client", ("a", "b"))
    assert found(small, large) == [("client/required-property-added", B)]
    assert found(unlabelled("server", ("a",)), unlabelled("server", ("z",))) == [
        ("server/event-removed", B),
        ("server/event-added", I),
    ]


def test_a_learned_list_and_a_learned_integer_are_not_held_against_few_samples() -> None:
    event = {"seen": 40, "scopes": 9}
    listed, any_text = {"enum": ["a", "b"], "x-wstape-seen": 40}, {**TEXT, "x-wstape-seen": 5}
    assert found(*pair("server", obj(v=listed), obj(v=any_text), **event)) == [("server/values-opened", W)]
    whole, number = {"type": "integer", "x-wstape-seen": 40}, {"type": "number", "x-wstape-seen": 9}
    assert found(*pair("server", obj(v=whole), obj(v=number), **event)) == [("server/type-widened", W)]
    number["x-wstape-seen"] = 10
    assert found(*pair("server", obj(v=whole), obj(v=number), **event)) == [("server/type-widened", B)]


def test_learning_more_of_a_client_does_not_narrow_what_it_may_send() -> None:
    event = {"seen": 40, "scopes": 9}
    number, whole = {"type": "number", "x-wstape-seen": 9}, {"type": "integer", "x-wstape-seen": 40}
    assert found(*pair("client", obj(v=number), obj(v=whole), **event)) == [("client/type-narrowed", W)]
    assert found(*pair("server", obj(v=number), obj(v=whole), **event), profile=Profile.STRICT) == [
        ("server/type-narrowed", I)
    ]
    number["x-wstape-seen"] = 10
    assert found(*pair("client", obj(v=number), obj(v=whole), **event)) == [("client/type-narrowed", B)]
    whole["x-wstape-seen"] = 29  # too few to say that a fraction would be refused
    assert found(*pair("client", obj(v=number), obj(v=whole), **event)) == [("client/type-narrowed", W)]
    assert found(*pair("client", obj(v={"type": "number"}), obj(v={"type": "integer"}))) == [
        ("client/type-narrowed", B)
    ]


def scoped(*rules: dict[str, Any], **learned: object) -> Contract:
    events = {f"{side}:{name}": {} for side in ("server", "client") for name in "abc"}
    outer = {"name": "connection", "rules": [rule for rule in rules if "inner" not in rule]}
    paths = {f"server:{name}": "/run_id" for name in "ab"}
    inner = [{key: value for key, value in rule.items() if key != "inner"} for rule in rules if "inner" in rule]
    return Contract.from_document(
        {
            "wstape": "contract",
            "version": 1,
            "envelope": {"name": "json", "client": "/type", "server": "/type"},
            "learned": learned,
            "events": events,
            "scopes": [{"name": "run_id", "instances": 30, "events": 60, "paths": paths, "rules": inner}, outer],
        }
    )


def of(template: str, *events: str, **more: object) -> dict[str, Any]:
    return {"rule": template, "of": [f"server:{event}" for event in events], **more}


def test_an_order_that_moved_into_a_finer_scope_is_overlapping_work() -> None:
    old = scoped(of("alternate_succession", "a", "b"))
    new = scoped(of("alternate_succession", "a", "b", inner=True))
    assert found(old, new) == [("server/interleaving-added", I)]


def test_a_new_event_in_between_breaks_no_answer() -> None:
    old = scoped(of("chain_response", "a", "b"))
    new = scoped(of("chain_response", "a", "c"), of("chain_response", "c", "b"))
    assert found(old, new) == [("server/interleaving-added", I)]


def test_counts_hold_where_a_partner_is_counted() -> None:
    old = scoped(of("exactly", "a", times=2), of("exactly", "b", times=2))
    new = scoped(of("exactly", "b", times=2), of("alternate_succession", "a", "b", inner=True))
    assert found(old, new) == []
    assert found(old, scoped(of("exactly", "b", times=2))) == [("server/cardinality-loosened", B)]


@pytest.mark.parametrize(("connections", "severity"), [(2, W), (3, B), (0, B)])
def test_silence_of_a_contract_that_saw_little_is_unknown(connections: int, severity: str) -> None:
    old, new = scoped(of("response", "a", "b")), scoped(connections=connections)
    assert found(old, new) == [("server/pairing-broken", severity)]
    assert found(old, new, profile=Profile.STRICT) == [("server/pairing-broken", B)]


@pytest.mark.parametrize(
    ("connections", "surprise", "severity"),
    [(12, 3, B), (6, 3, W), (6, 16, B), (2, 16, W), (6, None, B), (0, 3, B)],
)
def test_silence_about_what_chance_may_bring_is_unknown_in_few_recordings(
    connections: int, surprise: int | None, severity: str
) -> None:
    """A rule between events of a connection is only learned from so many that chance does not explain it."""
    likely = {} if surprise is None else {"surprise": surprise}
    old = scoped(of("succession", "a", "b", seen=12, scopes=12, **likely), connections=12)
    new = scoped(of("precedence", "a", "b", seen=12, scopes=12), connections=connections)
    assert found(old, new) == [("server/pairing-broken", severity)]


@pytest.mark.parametrize(
    ("scopes", "before", "now", "severity"),
    [(12, 12, 1, B), (12, 100, 10, W), (12, 100, 40, B), (12, 100, 0, B), (12, 0, 10, B)],
)
def test_what_was_rare_may_just_not_have_happened(scopes: int, before: int, now: int, severity: str) -> None:
    def contract(connections: int, events: dict[str, object]) -> Contract:
        learned = {"connections": connections}
        envelope = {"name": "json", "server": "/type"}
        return Contract.from_document(
            {"wstape": "contract", "version": 1, "envelope": envelope, "learned": learned, "events": events}
        )

    old = contract(before, {"server:e": {"seen": 40, "scopes": scopes}})
    assert found(old, contract(now, {})) == [("server/event-removed", severity)]


@pytest.mark.parametrize(("seen", "severity"), [(40, B), (10, W), (4, W)])
def test_a_text_that_comes_whole_says_nothing_of_streams(seen: int, severity: str) -> None:
    text = {"type": "object", "properties": {"text": TEXT}}
    events = {"server:delta": {"seen": seen, "scopes": 10, "payload": text}, "server:done": {}}
    stream = {"of": "server:delta", "path": "/text", "in": "connection", "seen": 20, "scopes": 20}
    document: dict[str, Any] = {
        "wstape": "contract",
        "version": 1,
        "envelope": {"name": "json", "server": "/type"},
        "learned": {"connections": 10},
        "events": events,
        "streams": [{**stream, "final": {"event": "server:done", "path": "/text"}}],
    }
    old, new = Contract.from_document(document), Contract.from_document({**document, "streams": []})
    assert found(old, new) == [("server/stream-broken", severity)]


def test_pieces_without_numbers_still_join() -> None:
    whole = {
        "of": "server:delta",
        "path": "/text",
        "in": "connection",
        "final": {"event": "server:done", "path": "/text"},
    }
    events = {
        f"server:{label}": {"payload": {"properties": {"text": {"type": "string"}}}} for label in ("delta", "done")
    }
    document = {"wstape": "contract", "version": 1, "envelope": {"name": "json", "server": "/type"}, "events": events}
    numbered = Contract.from_document({**document, "streams": [{**whole, "index": "/n", "from": 0}]})
    assert found(numbered, Contract.from_document({**document, "streams": [whole]})) == [
        ("server/stream-broken", "warning")
    ]


@pytest.mark.parametrize(("learned", "severity"), [(0, B), (1, W), (2, B)])
def test_privacy_that_one_connection_cannot_show_is_unknown(learned: int, severity: str) -> None:
    payload = {"type": "object", "properties": {"run_id": TEXT}}
    document: dict[str, Any] = {
        "wstape": "contract",
        "version": 1,
        "envelope": {"name": "json", "server": "/type"},
        "events": {"server:run": {"payload": payload}},
        "private": [{"name": "run_id", "values": 12, "connections": 3}, {"name": "gone_id"}],
    }
    new = {**document, "private": [{"name": "other_id"}], "learned": {"connections": learned}}
    assert found(Contract.from_document(document), Contract.from_document(new)) == [("server/privacy-lost", severity)]


def test_a_document_that_is_silent_of_behaviour_is_told_once() -> None:
    old, new = scoped(of("response", "a", "b"), of("precedence", "a", "c"), connections=9), scoped()
    document: Any = new.document()
    del document["scopes"]
    told = found(old, Contract.from_document(document))
    assert ("server/behaviour-unstated", W) in told
    assert not [rule for rule, _ in told if rule.endswith(("broken", "lost"))]


@given(st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_what_inclusion_does_not_prove_is_more_than_news(data: st.DataObject) -> None:
    """The rules against inclusion, on any two schemas."""
    old = data.draw(schemas())
    new = data.draw(edited(old))
    new = {"$defs": old["$defs"], **new} if isinstance(new, dict) else {"not": {}} if new is False else {}
    for side in ("server", "client"):
        big, small = (old, new) if side == "server" else (new, old)
        if compare_schemas(big, small).new_in_old.answer is not Answer.YES:
            assert {level for _, level in found(*pair(side, old, new))} & {B, W}, side
