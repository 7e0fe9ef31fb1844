"""The files of the tree, for the rules that look at them (rules.py). Each is parsed and walked once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PACKAGES = ("api", "core", "db", "ops", "proof", "workers")
#: What people read besides the code.
DOCUMENTS = ("*.md", "docs/**/*.md", "Makefile", "Dockerfile", "*.yaml", "pyproject.toml", ".env.example", ".ci/run")


@dataclass(frozen=True)
class Source:
    """One file of the tree; `path` is relative to the project, with slashes."""

    path: str
    text: str

    @property
    def package(self) -> str:
        return self.path.partition("/")[0]

    @property
    def room(self) -> str:
        """The folder within the package, or an empty string for a module at the package's top level."""
        parts = self.path.split("/")
        return parts[1] if len(parts) > 2 else ""

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text if self.path.endswith(".py") else "")

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree, walked once for all rules."""
        return list(ast.walk(self.tree))

    @cached_property
    def imported(self) -> list[tuple[ast.AST, str, bool]]:
        """What is imported: the statement, the name, and whether it stands inside a function."""
        return list(_imported(self.tree))

    def says(self, node: ast.AST, what: str) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {what}"


def sources(*, tests: bool) -> list[Source]:
    """Every file of ours that holds code."""
    found = [PROJECT / "schema.sql"]
    for folder in (*PACKAGES, *(["tests"] if tests else [])):
        found += [path for path in (PROJECT / folder).rglob("*") if path.suffix in (".py", ".sql", ".lua")]
    return [Source(path.relative_to(PROJECT).as_posix(), path.read_text()) for path in sorted(found)]


def documents() -> list[Source]:
    """Every text of ours that holds no code, or little."""
    found = {path for pattern in DOCUMENTS for path in PROJECT.glob(pattern)}
    return [Source(path.relative_to(PROJECT).as_posix(), path.read_text()) for path in sorted(found)]


def _imported(node: ast.AST, lazily: bool = False) -> Iterator[tuple[ast.AST, str, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((child, alias.name, lazily) for alias in child.names)
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue  # nothing of it is imported when the program runs
        elif isinstance(child, ast.ImportFrom):
            module = "." * child.level + (child.module or "")
            yield from ((child, f"{module}.{alias.name}", lazily) for alias in child.names)
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from _imported(child, lazily or inside)
