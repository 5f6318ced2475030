"""No public name of the product exists only for tests, or for nothing at all."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import PACKAGES, ROOT, modules, tree

# Django and Daphne look these up by name.
FOUND_BY_NAME = {"Command", "application", "urlpatterns", "register", "app_name"}
FOUND_BY_NAME |= {f"handler{status}" for status in (400, 403, 404, 500)}
# Django reads the settings by name.
NOT_CHECKED = {Path("realtime/settings.py"), Path("realtime/site/options.py")}
DOTTED = re.compile(r"^\w+(?:\.\w+)+$")

ALLOWED: dict[str, str] = {}
"""Names that nothing in the product uses, each with the reason for keeping it."""


def defined(module: ast.Module) -> Iterator[str]:
    """Yield the public names that a module defines, without those registered by a decorator."""
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if not node.decorator_list or not any(map(registers, node.decorator_list)):
                yield node.name
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.Assign):
            yield from (name.id for name in node.targets if isinstance(name, ast.Name))


def registers(decorator: ast.expr) -> bool:
    """Whether a decorator registers a function: ``@register.filter``, ``@receiver``."""
    name = decorator.func if isinstance(decorator, ast.Call) else decorator
    words = ast.unparse(name)
    return words.startswith(("admin.", "register", "commands")) or words.endswith("receiver")


def used(path: Path, module: ast.Module) -> Iterator[str]:
    """Yield the names that a module uses; a package that passes a name on does not use it."""
    for node in ast.walk(module):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ImportFrom) and path.name != "__init__.py":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Constant) and DOTTED.match(str(node.value)):
            yield str(node.value).rpartition(".")[2]  # "realtime.site.checks.Policy" in a setting


def is_config_or_model(module: ast.Module, name: str) -> bool:
    """Tell whether Django finds a class by its base: an ``AppConfig`` or a model."""
    for node in module.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            bases = {ast.unparse(base) for base in node.bases}
            return bool(bases & {"AppConfig", "models.Model", "User", "BaseCommand"})
    return False


def unused(sources: dict[Path, ast.Module]) -> list[str]:
    """Return the public names that no module uses."""
    uses = {name for path, module in sources.items() for name in used(path, module)}
    return [
        f"{path}: {name}"
        for path, module in sources.items()
        if path not in NOT_CHECKED
        for name in defined(module)
        if not name.startswith("_")
        and name not in uses | FOUND_BY_NAME
        and not is_config_or_model(module, name)
    ]


def documented() -> set[str]:
    """Return the names that docs/extending.md and ``holdfast`` give to other apps."""
    page = (ROOT / "docs" / "extending.md").read_text()
    page += (ROOT / "holdfast" / "__init__.py").read_text().replace(" as ", ", ")
    return {
        name.strip()
        for names in re.findall(r"^ *from [\w.]+ import (.+)$", page, re.MULTILINE)
        for name in names.split(",")
    }


def test_the_product_uses_every_public_name() -> None:
    found = unused({path: tree(path) for path in modules(*PACKAGES)})
    public = documented() | set(ALLOWED)
    assert [name for name in found if name.rpartition(" ")[2] not in public] == []


def test_no_exception_is_outdated() -> None:
    found = {
        name.rpartition(" ")[2]
        for name in unused({path: tree(path) for path in modules(*PACKAGES)})
    }
    assert set(ALLOWED) <= found


def test_a_name_that_only_tests_use_is_found() -> None:
    module = "MAX_LISTED = 50\ndef by_id(): ...\n"
    package = "from app.links import MAX_LISTED\n__all__ = ['MAX_LISTED']\n"
    sources = {
        "app/links.py": module,
        "app/__init__.py": package,
        "app/views.py": "links.by_id()\n",
    }
    trees = {Path(path): ast.parse(text) for path, text in sources.items()}
    assert unused(trees) == ["app/links.py: MAX_LISTED"]
