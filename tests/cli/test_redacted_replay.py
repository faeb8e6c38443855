"""Login, token, socket, work: recorded without its secrets, and replayed with secrets that come from outside."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest
from recording import recording
from token_service import PASSWORD, WAYS, TokenService, token_service, work

from wstape.cassettes import Header, open_cassette
from wstape.cassettes.scrubbing import raw_parts
from wstape.cli import run

DONE = ["started", "completed"] * 2


def recorded(folder: Path, service: TokenService, way: str, *, env: dict[str, str] | None = None) -> Path:
    """Record a login and its work, with the secrets kept beside the cassette."""
    path = folder / "a.cassette"
    kept = str(path.with_suffix(".secrets"))
    with recording(service.url, path, "--keep-secrets", kept, env=env, cwd=folder) as recorder:
        assert asyncio.run(work(recorder.http_url, way)) == DONE
    assert recorder.status == 0, recorder.stderr
    everything = path.read_bytes() + b"".join(raw_parts(path)) + recorder.stderr.encode()
    for secret in (PASSWORD, *service.tokens):
        assert secret.encode() not in everything
    return path


def replayed(path: Path, target: str, *options: str) -> tuple[int, list[str]]:
    report = path.with_suffix(".xml")
    status = run(["replay", str(path), "--target", target, "--mode", "exact", "--junit", str(report), *options])
    return status, re.findall(r'id="([^"]+)"', report.read_text() if report.exists() else "")


@pytest.mark.parametrize("way", WAYS)
def test_the_token_of_this_build_is_used_wherever_the_recorded_one_stood(
    tmp_path: Path, way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with token_service() as service:
        path = recorded(tmp_path, service, way)
    with token_service() as service:
        saved = tmp_path / "saved.cassette"
        status, _ = replayed(path, service.url, "--secret", f"password:1={PASSWORD}", "--save", str(saved))
        said = capsys.readouterr()
        assert status == 0, said
        assert len(service.tokens) == 1
        everything = said.out + said.err + path.with_suffix(".xml").read_text()
        everything += b"".join(raw_parts(saved)).decode("latin-1")
        assert not any(secret in everything for secret in (PASSWORD, *service.tokens))


def test_a_secret_that_is_wrong_or_missing_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with token_service() as service:
        path = recorded(tmp_path, service, "header")
        status, _ = replayed(path, service.url, "--secret", "password:1=wrong-one-7", "--timeout", "1")
        assert status == 1
        assert "wrong-one-7" not in "".join(capsys.readouterr()) + path.with_suffix(".xml").read_text()
        assert run(["replay", str(path), "--target", service.url]) == 2
        assert "no value for {{secret:password:1}}" in capsys.readouterr().err


def test_secrets_from_the_environment_and_from_a_file_that_the_recorder_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with token_service() as service:
        path = recorded(tmp_path, service, "query", env={"ALICE_PASSWORD": PASSWORD})
        kept = path.with_suffix(".secrets")
        assert json.loads(kept.read_text())["env.ALICE_PASSWORD:1"] == PASSWORD
        assert b"{{secret:env.ALICE_PASSWORD:1}}" in b"".join(raw_parts(path))
    with token_service() as service:
        monkeypatch.setenv("ALICE_PASSWORD", PASSWORD)
        assert replayed(path, service.url)[0] == 0
        monkeypatch.delenv("ALICE_PASSWORD")
        assert replayed(path, service.url)[0] == 2
        assert replayed(path, service.url, "--secrets", str(kept))[0] == 0


def test_what_a_replay_saves_is_redacted_by_the_projects_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with token_service() as service:
        path = recorded(tmp_path, service, "header")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wstape.toml").write_text('[redact]\nkeys = ["text"]\n')
    saved = tmp_path / "saved.cassette"
    with token_service() as service:
        monkeypatch.setenv("STARTED_SECRET", "hello-tk-of-env-77")
        replayed(path, service.url, "--secret", f"password:1={PASSWORD}", "--save", str(saved))
    content = b"".join(raw_parts(saved))
    assert b'"{{secret:text:1}}"' in content
    first = next(iter(open_cassette(saved)))
    assert isinstance(first, Header)
    assert {"key text", "environment"} <= set(first.redaction)
