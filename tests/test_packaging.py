"""The wheel against the tree: everything of the product is in it, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PRODUCT = ("cassettes", "recorder", "contracts", "replayer", "reports", "cli", "integrations", "demo")
NOT_COPIED = shutil.ignore_patterns(
    ".*", "__pycache__", "*.egg-info", "build", "dist", "tests", "docs", "benchmarks", "examples"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built as a user's pip builds it, from a copy: setuptools leaves a build folder behind."""
    place = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, place / "tree", ignore=NOT_COPIED)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(place), str(place / "tree")],
        check=True,
        capture_output=True,
        text=True,
        timeout=110,
    )
    (built,) = place.glob("*.whl")
    return zipfile.ZipFile(built)


def _tree() -> set[str]:
    modules = (path for folder in PRODUCT for path in (ROOT / folder).rglob("*.py"))
    data = {"wstape/py.typed", "wstape/contracts/contract.schema.json", "wstape/reports/page.html.jinja"}
    return {*data, *(f"wstape/{path.relative_to(ROOT).as_posix()}" for path in modules)}


def test_the_wheel_holds_the_product_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert names == _tree()


def test_only_wstape_lands_in_site_packages(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert tops == {"wstape", f"wstape-{version}.dist-info"}


def test_the_wheel_brings_the_command_and_the_licence(wheel: zipfile.ZipFile) -> None:
    info = {name.partition(".dist-info/")[2]: name for name in wheel.namelist() if ".dist-info/" in name}
    assert "wstape = wstape.cli:main" in wheel.read(info["entry_points.txt"]).decode()
    assert "licenses/LICENSE" in info


def test_every_folder_with_modules_is_listed_as_a_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(settings["tool"]["setuptools"]["packages"])
    folders = {path.parent.relative_to(ROOT) for folder in PRODUCT for path in (ROOT / folder).rglob("*.py")}
    assert listed == {"wstape", *(".".join(("wstape", *folder.parts)) for folder in folders)}
    assert not (ROOT / "__init__.py").exists()  # the tests would import the tree twice


def test_nothing_that_is_slow_to_import_is_installed_with_the_product() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pending = [Requirement(line) for line in settings["project"]["dependencies"]]
    needed: set[str] = set()
    while pending:
        wanted = pending.pop()
        needed.add(canonicalize_name(wanted.name))
        for extra in wanted.extras or {""}:
            for line in requires(wanted.name) or ():
                one = Requirement(line)
                if one.marker is None or one.marker.evaluate({"extra": extra}):
                    pending += [one] if canonicalize_name(one.name) not in needed else []
    assert {"jsonschema", "rfc3339-validator", "arrow"} <= needed
    # jsonschema imports it wherever it is installed, and it builds a grammar then: over a second at every start.
    assert "rfc3987-syntax" not in needed
