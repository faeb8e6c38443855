"""Who may import whom: the table of docs/design.md, held against the syntax trees of the product."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MAY_IMPORT: dict[str, frozenset[str]] = {
    "cassettes": frozenset(),
    "recorder": frozenset({"cassettes"}),
    "contracts": frozenset({"cassettes"}),
    "replayer": frozenset({"cassettes", "contracts"}),
    "reports": frozenset({"cassettes", "contracts", "replayer"}),
    "cli": frozenset({"cassettes", "recorder", "contracts", "replayer", "reports", "integrations", "demo"}),
    "integrations": frozenset({"cassettes", "recorder", "contracts", "replayer", "reports", "cli", "demo"}),
    "demo": frozenset({"cassettes", "recorder", "contracts", "replayer", "reports", "integrations"}),
}
MODULES = sorted(path.relative_to(ROOT) for folder in MAY_IMPORT for path in (ROOT / folder).rglob("*.py"))


def _imported(module: Path) -> Iterator[tuple[int, str, bool]]:
    """Line, absolute name, and whether it was written relatively, of everything that a module imports."""
    package = ("wstape", *module.parent.parts)
    for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if not node.level:
                yield node.lineno, node.module or "", False
                continue
            base = package[: len(package) - node.level + 1]
            assert base, f"{module}:{node.lineno} leaves the package"
            for name in [node.module] if node.module else [alias.name for alias in node.names]:
                yield node.lineno, ".".join((*base, name)), True


def test_the_product_has_modules() -> None:
    assert len(MODULES) > 40


@pytest.mark.parametrize("module", MODULES, ids=Path.as_posix)
def test_a_module_imports_only_what_its_folder_may(module: Path) -> None:
    home = module.parts[0]
    for line, name, _ in _imported(module):
        parts = name.split(".")
        if parts[0] != "wstape":
            continue
        assert len(parts) > 1, f"{module}:{line} imports the whole package"
        neighbour = parts[1]
        assert neighbour == home or neighbour in MAY_IMPORT[home], f"{module}:{line}: {home} may not know {neighbour}"


@pytest.mark.parametrize("module", MODULES, ids=Path.as_posix)
def test_a_module_names_its_own_house_relatively(module: Path) -> None:
    for line, name, relative in _imported(module):
        if relative:
            continue
        top = name.partition(".")[0]
        # A bare `import cassettes` works by accident at the root, and makes a second copy of every class.
        assert top != "wstape", f"{module}:{line}: write {name} as a relative import"
        assert top not in MAY_IMPORT, f"{module}:{line}: write ..{name}"


def test_folders_know_each_other_in_one_direction_only() -> None:
    known = {folder: set[str]() for folder in MAY_IMPORT}
    for module in MODULES:
        names = (name.split(".") for _, name, _ in _imported(module))
        known[module.parts[0]] |= {parts[1] for parts in names if parts[0] == "wstape"} - {module.parts[0]}
    while known:
        free = {folder for folder, others in known.items() if not others}
        assert free, f"a circle among {sorted(known)}"
        known = {folder: others - free for folder, others in known.items() if folder not in free}


def test_the_table_stands_in_the_design() -> None:
    design = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    for folder in {module.parts[0] for module in MODULES}:
        assert f"| `{folder}/` |" in design
