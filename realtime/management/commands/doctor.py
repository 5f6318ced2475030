"""``manage.py doctor``: try the servers around a node."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand

from realtime.doctor import PROBES, servers
from realtime.doctor.probe_results import ProbeResult, Severity, run

PROBE_SECONDS: Final = 30.0
COLOURS: Final = {Severity.OK: "SUCCESS", Severity.WARN: "WARNING", Severity.FAIL: "ERROR"}


class Command(BaseCommand):
    """Print a line for each finding. Ends with 1 if anything fails."""

    help = (
        "Try the database, the broker, the cache, the public origin and this machine, and say "
        "what to do. Changes nothing. Run it with the settings of a node."
    )
    requires_system_checks = []  # their findings are part of the report

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="print one JSON array")
        parser.add_argument(
            "--only",
            action="append",
            choices=[*PROBES, "mail"],
            help="run this probe alone (may be repeated)",
        )
        parser.add_argument(
            "--mail-to", default="", metavar="ADDRESS", help="also send a message to this address"
        )
        parser.add_argument(
            "--seconds",
            type=float,
            default=PROBE_SECONDS,
            help=f"limit of each probe (default {PROBE_SECONDS:g})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the probes."""
        probes = {
            name: probe
            for name, probe in PROBES.items()
            if not options["only"] or name in options["only"]
        }
        # Holdfast itself sends no mail; apps may.
        asked = options["mail_to"] or "mail" in (options["only"] or [])
        if asked or settings.EMAIL_HOST != "localhost":
            probes["mail"] = partial(servers.mail, options["mail_to"])
        found = []
        for finding in run(probes, seconds=options["seconds"]):
            found.append(finding)
            if not options["json"]:
                self._print(finding)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(each) for each in found], indent=2))
        if any(each.level is Severity.FAIL for each in found):
            sys.exit(1)

    def _print(self, finding: ProbeResult) -> None:
        style = getattr(self.style, COLOURS[finding.level])
        self.stdout.write(f"{style(f'{finding.level:<4}')}  {finding.area:<8}  {finding.text}")
        if finding.todo:
            self.stdout.write(f"                → {finding.todo}")
