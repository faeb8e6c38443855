"""Cassettes as test items: ``pytest cassettes/ --wstape-target URL --wstape-contract FILE``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..cassettes import Secrets, WstapeError, open_cassette
from ..contracts import Contract
from .assertions import check, hold
from .hosting import replayed


class CassetteFile(pytest.File):
    """A cassette that was found; it is one item."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the item, named for what is done with it."""
        kind = "replay" if self.config.getoption("wstape_target") else "check"
        yield CassetteItem.from_parent(self, name=kind)  # pyright: ignore[reportUnknownMemberType]


class CassetteItem(pytest.Item):
    """One cassette, replayed against the target or held against the contract."""

    def runtest(self) -> None:
        """Raise AssertionError when a finding is breaking. The ids of all findings become JUnit properties."""
        target = self.config.getoption("wstape_target")
        named = self.config.getoption("wstape_contract")
        contract = Path(named) if named else None
        if target:
            options: list[str] = self.config.option.wstape_secret
            files: list[Path] = self.config.option.wstape_secrets
            report = replayed(self.path, target, contract, Secrets.load(options, files, os.environ))
        else:
            assert contract is not None
            report = check(open_cassette(self.path), Contract.load(contract), title=f"{self.path.name} against {named}")
        self.user_properties += [("wstape_finding", finding.id) for finding in report.findings]
        hold(report)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """Return the report, or the one line that says what prevented the judgement."""
        error = excinfo.value
        if isinstance(error, AssertionError):
            return str(error).lstrip()
        if isinstance(error, WstapeError):
            # The remedy is worded for the command line of wstape.
            return f"wstape: error: {error}".replace(" --secret", " --wstape-secret")
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return what pytest's reports call it."""
        return self.path, 0, f"{self.path.name}: {self.name}"
