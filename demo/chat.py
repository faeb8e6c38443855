"""The rules of the sample service: who may say what, and what is answered. No socket and no clock inside."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import cast

from .agent import Timed, new_id, plan_run
from .build import Build
from .questions import OTHER, TASKS

PASSWORDS: Mapping[str, str] = {"alice": "tulip-harbour-62", "bob": "seven-quiet-owls"}
"""The users of the sample service. They exist nowhere else, so this is no secret."""


class Chat:
    """What all connections of one running service share."""

    def __init__(self, build: Build, chance: random.Random) -> None:
        self.build = build
        self.chance = chance
        self._tokens: dict[str, str] = {}  # access token -> user
        self._threads: dict[str, str] = {}  # thread -> user

    def login(self, user: str, password: str) -> str | None:
        """Return a new access token, or None when user and password do not fit."""
        if PASSWORDS.get(user) != password:
            return None
        token = f"{self.chance.getrandbits(160):040x}"
        self._tokens[token] = user
        return token

    def user_of(self, token: str) -> str | None:
        """Return who was given a token."""
        return self._tokens.get(token)

    def create_thread(self, user: str) -> str:
        """Return a new thread that belongs to a user."""
        thread_id = new_id("thread", self.chance)
        self._threads[thread_id] = user
        return thread_id

    def owner_of(self, thread_id: str) -> str | None:
        """Return whose thread it is."""
        return self._threads.get(thread_id)


class Conversation:
    """One connection's side of the service."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._user: str | None = None

    def receive(self, message: str | bytes) -> tuple[Timed, ...]:
        """Return what is sent in answer to a message. Whatever is wrong with it is answered by an ``error`` event."""
        try:
            event = json.loads(message)
        except (ValueError, RecursionError):
            return _error("bad_message", "a message must be JSON")
        if not isinstance(event, dict):
            return _error("bad_message", "a message must be a JSON object")
        fields = {key: value for key, value in cast("dict[str, object]", event).items() if isinstance(value, str)}
        match fields.get("type"):
            case "login":
                return self._login(fields)
            case "create_thread":
                return self._create_thread(fields)
            case "user_message":
                return self._user_message(fields)
            case other:
                return _error("bad_message", f"unknown type {other!r}")

    def _login(self, fields: Mapping[str, str]) -> tuple[Timed, ...]:
        user = fields.get("user", "")
        token = self._chat.login(user, fields.get("password", ""))
        if token is None:
            return _error("login_failed", "user and password do not fit")
        self._user = user
        return _at_once({"type": "login_ok", "access_token": token, "user": user})

    def _create_thread(self, fields: Mapping[str, str]) -> tuple[Timed, ...]:
        user = self._chat.user_of(fields.get("access_token", ""))
        if user is None or user != self._user:
            return _error("bad_token", "the access token is not one of this connection's user")
        return _at_once({"type": "thread_created", "thread_id": self._chat.create_thread(user)})

    def _user_message(self, fields: Mapping[str, str]) -> tuple[Timed, ...]:
        thread_id = fields.get("thread_id", "")
        if self._user is None or self._chat.owner_of(thread_id) != self._user:
            return _error("unknown_thread", "this user has no such thread")
        task = TASKS.get(fields.get("text", ""), OTHER)
        return plan_run(task, thread_id, self._chat.build, self._chat.chance)


def _at_once(event: dict[str, object]) -> tuple[Timed, ...]:
    return (Timed(at_s=0.0, event=event),)


def _error(code: str, message: str) -> tuple[Timed, ...]:
    return _at_once({"type": "error", "code": code, "message": message})
