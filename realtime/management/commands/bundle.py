"""``manage.py bundle``: put the scripts and stylesheets of a release together, with esbuild."""

import json
import shutil
import subprocess
import tempfile
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from realtime.site import bundle

# No option depends on the machine: the same sources give the same bytes. Nothing is translated for
# old browsers, because the sources are written for those that are supported.
OPTIONS: Final = (
    "--bundle",
    "--minify",
    "--format=esm",
    "--target=esnext",
    "--charset=utf8",
    "--loader:.woff2=file",
    "--entry-names=[name]-[hash]",
    "--chunk-names=[name]-[hash]",
    "--asset-names=[name]-[hash]",
    "--sourcemap=external",
    "--log-level=warning",
)


class Command(BaseCommand):
    """Write the bundle into ``HOLDFAST_BUNDLE_DIR``, from which ``collectstatic`` takes it."""

    help = "Put the scripts and stylesheets of a release together. `make bundle` calls it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--esbuild", default="esbuild", help="the program (default: esbuild)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the bundle beside the former one, and put it in its place."""
        program = shutil.which(options["esbuild"])
        if program is None:
            raise CommandError(f"--esbuild is {options['esbuild']}: there is no such program.")
        target = Path(settings.HOLDFAST_BUNDLE_DIR)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".bundle-", dir=target.parent) as temporary:
            made = Path(temporary) / "made"
            record = _bundle(str(Path(program).resolve()), Path(temporary) / "sources", made)
            (made / "static" / bundle.RECORD).write_text(
                json.dumps(record, indent=1, sort_keys=True) + "\n"
            )
            shutil.rmtree(target, ignore_errors=True)
            made.rename(target)
        if options["verbosity"]:
            self.stdout.write(f"{len(record['files'])} files are in {target}.")


def _bundle(esbuild: str, sources: Path, made: Path) -> dict[str, Any]:
    # The sources of several apps import each other by their addresses, so they need one root.
    for folder in bundle.static_folders():
        shutil.copytree(folder, sources, dirs_exist_ok=True)
    found = bundle.entries()
    files: dict[str, Any] = {}
    for names in (found.styles, found.modules, *([name] for name in found.apart)):
        if names:
            files |= _build(esbuild, sources, names, made)
    # To look for an error with; collectstatic does not publish them.
    maps = made / "maps"
    maps.mkdir()
    for path in sorted((made / "static" / bundle.FOLDER).glob("*.map")):
        path.rename(maps / path.name)
    return {"stamp": bundle.stamp(), "files": files}


def _build(esbuild: str, sources: Path, names: Sequence[str], made: Path) -> dict[str, Any]:
    to = made / "static" / bundle.FOLDER
    metafile = made.with_name("meta.json")
    splitting = ["--splitting"] if names[0].endswith(".js") else []
    command = [esbuild, *names, *OPTIONS, *splitting, f"--outdir={to}", f"--metafile={metafile}"]
    done = subprocess.run(  # noqa: S603
        command, cwd=sources, capture_output=True, text=True, check=False
    )
    if done.returncode != 0 or done.stderr:
        raise CommandError(f"esbuild could not bundle {', '.join(names)}:\n{done.stderr}")
    outputs = json.loads(metafile.read_text())["outputs"]
    by_path = {_published(path): output for path, output in outputs.items()}
    return {
        source: {"file": path, "imports": sorted(_static_imports(path, by_path))}
        for path, output in by_path.items()
        if (source := _source(output)) is not None
    }


def _published(path: str) -> str:
    """Return the name below ``STATIC_URL``, from a path relative to the sources."""
    return f"{bundle.FOLDER}{Path(path).name}"


def _source(output: dict[str, Any]) -> str | None:
    """Return the source that pages name: an entry, or a file such as a font."""
    if "entryPoint" in output:
        return str(output["entryPoint"])
    inputs = list(output["inputs"])
    return inputs[0] if len(inputs) == 1 and not inputs[0].endswith((".js", ".css")) else None


def _static_imports(path: str, outputs: dict[str, Any], found: set[str] | None = None) -> set[str]:
    found = set() if found is None else found
    for imported in outputs[path]["imports"]:
        name = _published(imported["path"])
        if imported["kind"] == "import-statement" and name not in found:
            found.add(name)
            _static_imports(name, outputs, found)
    return found
