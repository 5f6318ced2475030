"""Every export and every public method of a script is used by the product, not only by tests."""

import re
from collections import Counter
from collections.abc import Mapping

from tests.architecture.source import PACKAGES, ROOT

EXPORT = re.compile(
    r"^export (?:default )?(?:async )?(?:const|let|function\*?|class) (\w+)", re.MULTILINE
)
METHOD = re.compile(
    r"^  (?:static )?(?:async )?(?:get |set |\*)?([a-z]\w*)\([^\n]*\{$", re.MULTILINE
)
WORD = re.compile(r"[\w$]+")
COMMENT = re.compile(r"/\*.*?\*/|(?<![:'\"])//[^\n]*", re.DOTALL)
# Statements look like methods.
CALLED_BY_THE_LANGUAGE = {"constructor", "if", "for", "while", "switch", "catch"}


def sources() -> dict[str, str]:
    """Return the scripts of the product without their comments, by path."""
    roots = [ROOT / package / "static" for package in PACKAGES]
    paths = [path for root in roots for path in root.rglob("*.js") if "vendor" not in path.parts]
    return {str(path.relative_to(ROOT)): COMMENT.sub("", path.read_text()) for path in paths}


def unused_exports(scripts: Mapping[str, str], tests: str = "") -> list[str]:
    """Return exports that no script uses, and exports that no other file imports."""
    importers = {path: imported(text) for path, text in scripts.items()}
    counts = {path: Counter(WORD.findall(text)) for path, text in scripts.items()}
    tested = set(WORD.findall(tests))

    def is_used(path: str, name: str) -> bool:
        if any(name in names for other, names in importers.items() if other != path):
            return True
        return counts[path][name] > 1 and name in tested

    return [
        f"{path}: {name}"
        for path, text in scripts.items()
        for name in EXPORT.findall(text)
        if not is_used(path, name)
    ]


def imported(text: str) -> set[str]:
    """Return the names in the braces of imports, static and dynamic ones."""
    braces = re.findall(r"\bimport\s*\{([^}]*)\}", text)
    braces += re.findall(r"\{([^{}]*)\}\s*=\s*await import\(", text)
    return {part.split(" as ")[0].strip() for some in braces for part in some.split(",")}


def unused_methods(scripts: Mapping[str, str]) -> list[str]:
    """Return public methods and getters whose name appears only where they are defined."""
    words = Counter(word for text in scripts.values() for word in WORD.findall(text))
    methods = {path: METHOD.findall(text) for path, text in scripts.items()}
    defined = Counter(name for names in methods.values() for name in names)
    return [
        f"{path}: {name}"
        for path, names in methods.items()
        for name in names
        if name not in CALLED_BY_THE_LANGUAGE and words[name] <= defined[name]
    ]


def test_every_export_is_used_by_the_product() -> None:
    tests = "\n".join(path.read_text() for path in (ROOT / "tests" / "js").rglob("*.js"))
    assert unused_exports(sources(), tests) == []


def test_every_public_method_is_used_by_the_product() -> None:
    assert unused_methods(sources()) == []


def test_an_export_that_only_tests_use_is_found() -> None:
    scripts = {
        "a.js": "export class Used {}\nexport class Dead {}\nexport const LIMIT = 5;\nuse(LIMIT);",
        "b.js": "import { Used } from './a.js';\nnew Used();",
    }
    assert unused_exports(scripts, "import { Dead, LIMIT } from './a.js';") == ["a.js: Dead"]
    assert unused_exports(scripts, "") == ["a.js: Dead", "a.js: LIMIT"]


def test_a_method_that_only_tests_use_is_found() -> None:
    scripts = {
        "a.js": "class A {\n  used() {\n  }\n\n  get dead() {\n  }\n}",
        "b.js": "new A().used();",
    }
    assert unused_methods(scripts) == ["a.js: dead"]


def test_the_scripts_are_found() -> None:
    assert "realtime/static/realtime/client.js" in sources()


KEY_EVENT = re.compile(r"""['"]key(?:down|up|press)['"]|\bonkey(?:down|up|press)\b""")
# lib/keys.js leaves the keys of a composition to the input method.
HEAR_KEYS = {
    "chat/static/chat/lib/keys.js",
    "chat/static/chat/admin/keys.js",  # no module, and the same rules
    "chat/static/chat/account/session_end.js",  # stops all keys
}


def test_every_handler_of_a_key_knows_compositions() -> None:
    assert {path for path, text in sources().items() if KEY_EVENT.search(text)} == HEAR_KEYS


def test_the_keys_of_moderators_have_the_same_names() -> None:
    """The script of their pages is no module, so it has its own copy of the rule."""
    rules = [
        re.search(r"isForeign = (/.*/u)", text).group(1)  # type: ignore[union-attr]
        for path, text in sources().items()
        if path.endswith(("lib/keys.js", "admin/keys.js"))
    ]
    assert len(rules) == 2
    assert len(set(rules)) == 1


# Of the device. Comparing it with a time of the server is wrong by as much as the device is.
DEVICE_CLOCK = re.compile(r"Date\.now\(\)|new Date\(\)|[cC]lock\.now\(\)")
SERVER_CLOCK = "realtime/static/realtime/lib/server_clock.js"


def comparing_clocks(scripts: Mapping[str, str]) -> list[str]:
    """Return the scripts that read the device's clock and parse times of the server."""
    return [
        path
        for path, text in scripts.items()
        if path != SERVER_CLOCK and "Date.parse(" in text and DEVICE_CLOCK.search(text)
    ]


def test_no_script_compares_a_time_of_the_server_with_the_clock_of_the_device() -> None:
    assert comparing_clocks(sources()) == []


def test_a_comparison_of_two_clocks_is_found() -> None:
    scripts = {"mute.js": "const muted = Date.parse(until) > Date.now();", "ok.js": "Date.now()"}
    assert comparing_clocks(scripts) == ["mute.js"]
