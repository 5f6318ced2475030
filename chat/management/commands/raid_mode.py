"""``manage.py raid_mode on|off|status``: stricter rules for the whole site during a raid."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.models import RAID_CHOICES, RaidMode
from chat.moderation import raid_mode
from chat.services.moderation import raids
from realtime.protocol.errors import HoldfastError


class Command(BaseCommand):
    help = "Switch raid mode on or off, or show it. Its rules are chosen in the admin."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["on", "off", "status"])
        parser.add_argument(
            "--hours",
            type=int,
            default=raids.DEFAULT_HOURS,
            metavar="N",
            help=f"end after N hours, 1 to {raids.MAX_HOURS}; {raids.DEFAULT_HOURS} by default",
        )
        parser.add_argument("--reason", default="", metavar="TEXT", help="for the moderation log")

    def handle(self, *_args: Any, action: str, hours: int, reason: str, **_options: Any) -> None:
        try:
            if action == "on":
                raids.switch_on(actor_id=None, hours=hours, reason=reason)
            elif action == "off":
                raids.switch_off(actor_id=None, reason=reason)
        except HoldfastError as error:
            raise CommandError(error.message) from error
        raid_mode.process.forget()
        raid = raid_mode.current()
        if raid.until is None:
            self.stdout.write("Raid mode is off.")
            return
        self.stdout.write(f"Raid mode is on until {raid.until:%Y-%m-%d %H:%M} UTC:")
        row = RaidMode.objects.get(pk=1)
        for name in raids.chosen(row):
            self.stdout.write(f"- {RAID_CHOICES[name]}")
        if raid.slow_mode:
            self.stdout.write(f"- slow mode in all rooms: {raid.slow_mode} s")
