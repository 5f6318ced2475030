"""The people of a run: they talk, edit, delete, come and go, are removed and banned."""

import asyncio
import contextlib
import math
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import cycle

import httpx

from tests.chaos.changes import Changes
from tests.chaos.guests import Guest, key_of
from tests.chaos.history import Ban, Deletion, Post, Row, Stay
from tests.chaos.presence import presence
from tests.chaos.readers import Reader
from tests.chaos.slowness import Slow
from tests.chaos.stage import Stage
from tests.conformance.client import replay
from tests.support.cluster import Person, join

HALL_POSTS = 8.0  # a second, all clients together
CABINET_MEMBERS = 6  # who are put in and out
CABINET_SECONDS = 1.0  # between two changes of its members
CABINET_POSTS = 1.0  # a second
READERS = 4  # over HTTP
TRY_AGAIN_SECONDS = 0.2  # of a request that nobody answered
REQUEST_SECONDS = 10.0
GO_SECONDS = 5.0  # for the tasks of all people to end
LOOK_SECONDS = 0.02  # what strangers see cannot be awaited
SILENCE_CHECK_SECONDS = 0.5
HOSTILE_RECEIVE_BYTES = 64 * 1024
END_SECONDS = 60.0  # for everyone to be level when all is over
EMOJI = ("👍", "🎉", "❤️")


class Crowd:
    """The people of a run.

    Alice owns the rooms: ``hall`` is public and followed by all, ``cabinet`` is private, in
    ``court`` nobody talks.
    """

    hall: int
    cabinet: int
    court: int
    crier: Guest  # posts in the court what is too much for some

    def __init__(self, stage: Stage, size: int) -> None:
        self.stage = stage
        self.history = stage.history
        self.size = size
        self.guests: list[Guest] = []
        self.readers: list[Reader] = []
        self.victims: list[Guest] = []  # to be banned from the site, one after the other
        self.alice = stage.cluster.people["alice"]
        self._banned = 0  # of the victims
        self._people: list[Person] = []
        self._addresses = stage.addresses()
        self._over = asyncio.Event()
        self._changes = Changes()
        self._life: list[asyncio.Task[None]] = []  # the tasks of all people
        self._always: list[asyncio.Task[None]] = []  # what goes on to the end
        headers = {"Authorization": f"Bearer {self.alice.token}"}
        self._http = httpx.AsyncClient(
            base_url=stage.cluster.origin, headers=headers, timeout=REQUEST_SECONDS
        )

    # Coming and going -----------------------------------------------------------------------------

    async def arrive(self) -> None:
        """Make the rooms and the accounts, connect everyone, and begin to talk."""
        self.hall = await self._make("Hall", "public")
        self.cabinet = await self._make("Cabinet", "private")
        self.court = await self._make("Court", "public")
        self.history.guarded.add(self.cabinet)
        await self.stage.act("appoint", self.alice.username)
        found = (await self.stage.act("people", self.hall, math.ceil(self.size * 2 / 3)))["people"]
        self._people = [Person(**each) for each in found]
        self._admit_all()
        reading = [
            self._reader(person)
            for person in self._people[CABINET_MEMBERS : CABINET_MEMBERS + READERS]
        ]
        by = cycle((Reader.by_long_polls, Reader.by_events))
        self._always = [
            asyncio.create_task(read(reader)) for read, reader in zip(by, reading, strict=False)
        ]
        self._always.append(asyncio.create_task(self._watch_silence()))
        for guest in self.guests:
            guest.start()
        async with asyncio.timeout(END_SECONDS):
            await asyncio.gather(*(guest.opened.wait() for guest in self.guests))
        self.crier = self.hostile([])
        await self.crier.persist("room.join", room=self.court)
        talking = [self._talk(guest) for guest in self._talkers()]
        others = [self._talk_in_cabinet(), self._mind_cabinet(), self._quarrel()]
        self._life = [asyncio.create_task(work) for work in [*talking, *others]]

    async def end(self) -> float | None:
        """Finish all work, wait until everyone is level, record all copies; return the seconds."""
        self._over.set()
        async with asyncio.timeout(END_SECONDS):
            await asyncio.gather(*self._life)
        took = await self.level(END_SECONDS, hostile=True)
        self.history.present += await presence(self.guests, self.hall)
        for room in self.rooms:
            fresh = await replay(self.stage.cluster.origin, self.alice.token, f"room.{room}")
            rows = [(seq, row) for (kind, _), (seq, row) in fresh.rows.items() if kind == "message"]
            self.history.stored[room] = {
                row["id"]: Row(seq, row["number"], key_of(row["body"])) for seq, row in rows
            }
        for guest in self.guests:
            self._note_final(guest)
        for reader in self.readers:
            reader.log.finals[self.hall] = reader.copy.final()
        return took

    async def go(self) -> None:
        """Leave, whatever happened."""
        tasks = {*self._life, *self._always}
        while tasks:
            # Before Python 3.12, `wait_for` may swallow a cancellation.
            for task in tasks:
                task.cancel()
            _, tasks = await asyncio.wait(tasks, timeout=GO_SECONDS)
        await asyncio.gather(*(guest.leave() for guest in self.guests), return_exceptions=True)
        await asyncio.gather(*(reader.close() for reader in self.readers), self._http.aclose())

    def check_alive(self) -> None:
        """Raise the exception that ended a client early: a fault of the test itself."""
        for task in [*self._life, *self._always]:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error

    # Being level ----------------------------------------------------------------------------------

    async def level(self, within: float, *, hostile: bool = False) -> float | None:
        """Post and return the seconds until everyone has it; None: not ``within`` the limit."""
        started = time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                post = await self.speaker.say(self.hall, "level?")
                heads = self._heads() if hostile else {self.hall: self._heads()[self.hall]}
                while self.missing(heads, post, hostile=hostile) or (  # noqa: ASYNC110
                    hostile and self._behind(heads[self.hall])
                ):
                    await asyncio.sleep(LOOK_SECONDS)
                return time.monotonic() - started
        return None

    def patience(self, seconds: float) -> float:
        """Return so many seconds, and more where the machine is slow now."""
        return seconds * Slow(self.history.slowness).factor(time.monotonic())

    async def until_level(self, guest: Guest, within: float) -> bool:
        """Wait until one client is level with all acknowledged messages; False after ``within``."""
        heads = self._heads()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.patience(within)):
                while not guest.level(heads):  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_SECONDS)
                return True
        return False

    @contextlib.asynccontextmanager
    async def only_posts(self) -> AsyncIterator[None]:
        """Nobody edits, deletes, comes, leaves or is removed meanwhile."""
        async with self._changes.put_off():
            yield

    def forget_lost(self, since: float, back: float) -> list[Post]:
        """Return what was acknowledged in between and lost by the database, and forget it."""
        found = self.stage.primary.query(
            "SELECT jsonb_object_agg(id, body) FROM chat_message WHERE room_id = ANY(%s)",
            list(self.rooms),
        )
        stored = {int(ident): key_of(body) for ident, body in found.items()}
        return self.history.forget_lost(since, back, stored)

    def missing(
        self, heads: Mapping[int, int], post: Post | None = None, *, hostile: bool = False
    ) -> list[Guest]:
        """Return those who are not level with these heads, or have not got this message."""
        return [
            guest
            for guest in self.guests
            if self._owed_speed(guest, hostile)
            and not (guest.level(heads) and (post is None or guest.holds(post)))
        ]

    @property
    def rooms(self) -> tuple[int, int, int]:
        """All rooms."""
        return self.hall, self.cabinet, self.court

    @property
    def speaker(self) -> Guest:
        """Alice's client."""
        return self.guests[0]

    def _behind(self, head: int) -> list[Reader]:
        return [reader for reader in self.readers if not reader.level(head)]

    def _heads(self) -> dict[int, int]:
        heads = dict.fromkeys(self.rooms, 0)
        for post, _ in self.history.acknowledged():
            heads[post.room] = max(heads[post.room], post.seq)
        return heads

    def _owed_speed(self, guest: Guest, hostile: bool) -> bool:
        return (
            guest.stopped is None
            and guest not in self.victims[: self._banned]
            and (hostile or not guest.log.hostile)
        )

    # Presence -------------------------------------------------------------------------------------

    def _admit_all(self) -> None:
        people = self._people
        self._admit(self.alice, list(self.rooms))
        self.history.stays.append(Stay(self.cabinet, self.alice.id, 0.0, 0.0))
        # The first ones have two clients.
        for person in [*people[: self.size - 1 - len(people)], *people]:
            self._admit(person, [self.hall])
        *_, self._mallory, first, second, third = self.guests  # each of them has one client
        self.victims = [first, second, third]
        self._insiders = people[:CABINET_MEMBERS]

    def _admit(self, person: Person, rooms: Sequence[int]) -> Guest:
        return self._come(next(self._addresses), person, rooms)

    def _come(self, address: str, person: Person, rooms: Sequence[int]) -> Guest:
        guest = Guest(address, person, list(rooms), self.history, self._fork())
        self.guests.append(guest)
        return guest

    def _reader(self, person: Person) -> Reader:
        reader = Reader(self.stage.cluster.origin, person, self.hall, self.history, self._fork())
        self.readers.append(reader)
        return reader

    def hostile(self, rooms: Sequence[int]) -> Guest:
        """Have one more client, of Bob, that is owed no speed."""
        guest = self._come(self.stage.address, self.stage.cluster.people["bob"], rooms)
        guest.log.hostile = True
        guest.receive_bytes = HOSTILE_RECEIVE_BYTES
        guest.start()
        return guest

    def _clients_of(self, person: Person) -> list[Guest]:
        return [guest for guest in self.guests if guest.person == person]

    def _talkers(self) -> list[Guest]:
        return [
            guest
            for guest in self.guests
            if guest not in self.victims and guest is not self._mallory
        ]

    # Talking --------------------------------------------------------------------------------------

    async def _talk(self, guest: Guest) -> None:
        rnd = self._fork()
        mine: list[Post] = []
        pause = len(self._talkers()) / HALL_POSTS
        while not self._over.is_set():
            await self._pause(rnd.expovariate(1 / pause))
            dice = rnd.random()
            mine = [post for post in mine[-20:] if post.key in self.history.posts]
            if dice < 0.8 or not mine:
                post = await guest.say(self.hall, "x" * rnd.randrange(200))
                mine = [*mine, post] if post.acked is not None else mine
            else:
                async with self._changes:
                    await self._change(guest, mine, dice, rnd)

    async def _change(
        self, guest: Guest, mine: list[Post], dice: float, rnd: random.Random
    ) -> None:
        """Edit a message, react to it, or delete it, if it is not lost meanwhile."""
        post = rnd.choice(mine)
        if post.key not in self.history.posts:
            return
        if dice < 0.88:
            body = f"{post.key} edited {rnd.random()}"
            await guest.persist("message.edit", message=post.ident, body=body)
        elif dice < 0.94:
            reaction = {"emoji": rnd.choice(EMOJI), "on": rnd.random() < 0.7}
            await guest.persist("message.react", message=post.ident, **reaction)
        else:
            mine.remove(post)
            await self._delete(guest, post)

    async def _delete(self, guest: Guest, post: Post) -> None:
        deletion = Deletion(post.room, post.ident, time.monotonic(), math.inf, 2**62)
        self.history.deletions.append(deletion)  # it may be done even where nobody hears of it
        deleted = await guest.persist("message.delete", message=post.ident)
        deletion.acked, deletion.seq = time.monotonic(), deleted["message"]["seq"]

    async def _talk_in_cabinet(self) -> None:
        rnd = self._fork()
        while not self._over.is_set():
            await self._pause(rnd.expovariate(CABINET_POSTS))
            insiders = [
                guest
                for guest in self.guests
                if guest.copy_of(self.cabinet) is not None and guest.opened.is_set()
            ]
            with contextlib.suppress(IndexError):
                await rnd.choice(insiders).say(self.cabinet, "in private")

    # Rights ---------------------------------------------------------------------------------------

    async def _mind_cabinet(self) -> None:
        """Put people into the cabinet and out of it; those who are out knock now and then."""
        rnd = self._fork()
        inside: dict[int, Stay] = {}
        while not self._over.is_set():
            await self._pause(rnd.expovariate(1 / CABINET_SECONDS))
            person = rnd.choice(self._insiders)
            async with self._changes:
                if person.id in inside:
                    await self._end(inside.pop(person.id), "removed")
                elif rnd.random() < 0.3:
                    await self._enter(person, self.cabinet)  # nobody asked them in
                else:
                    inside[person.id] = await self._let_in(person)

    async def _let_in(self, person: Person) -> Stay:
        """Ask someone into the cabinet, who accepts."""
        stay = Stay(self.cabinet, person.id, time.monotonic())
        self.history.stays.append(stay)
        path = f"/api/rooms/{self.cabinet}/members"
        await self._ask("POST", path, {"username": person.username})
        origin = self.stage.cluster.origin
        await asyncio.to_thread(join, origin, person, self.cabinet, again_after=TRY_AGAIN_SECONDS)
        stay.acked = time.monotonic()
        await self._enter(person, self.cabinet)
        return stay

    async def _quarrel(self) -> None:
        """Mallory is banned from the hall, let in again, and comes back."""
        rnd = self._fork()
        mallory = self._mallory
        stay = Stay(self.hall, mallory.person.id, 0.0, 0.0)
        self.history.stays.append(stay)
        while not self._over.is_set():
            await self._pause(rnd.uniform(2, 6))
            async with self._changes:
                await self._end(stay, "banned")
            await self._pause(rnd.uniform(1, 4))
            async with self._changes:
                stay = Stay(self.hall, mallory.person.id, time.monotonic())
                self.history.stays.append(stay)
                path = f"/api/rooms/{self.hall}/members/{mallory.person.id}"
                await self._ask("PATCH", path, {"state": "active"})
                await mallory.persist("room.join", room=self.hall)
                stay.acked = time.monotonic()
                await mallory.enter(self.hall)

    async def ban_somebody(self) -> None:
        """Ban the next victim from the whole site, by a process that is no node."""
        if self._banned == len(self.victims):
            return
        victim = self.victims[self._banned]
        self._banned += 1
        async with self._changes:
            committed = await self.stage.insist("ban", self.alice.id, victim.person.id)
        self.history.bans.append(Ban(victim.person.id, committed["at"]))

    async def _end(self, stay: Stay, state: str) -> None:
        """End a stay; asked again until it is answered."""
        stay.end_asked = time.monotonic()
        await self._ask("PATCH", f"/api/rooms/{stay.room}/members/{stay.user}", {"state": state})
        stay.end_acked = time.monotonic()
        stay.end_seq = await self._departure(stay)

    async def _departure(self, stay: Stay) -> int | None:
        """Return the newest change that ended a stay, as Alice's client received it."""
        before = {
            other.end_seq
            for other in self.history.stays
            if other is not stay and other.user == stay.user
        }
        while not self._over.is_set():
            copy = self.speaker.copy_of(stay.room)
            seqs = [
                seq
                for user, seq in (copy.departures if copy else [])
                if user == stay.user and seq not in before
            ]
            if seqs:
                return seqs[-1]
            await asyncio.sleep(LOOK_SECONDS)
        return None

    async def _enter(self, person: Person, room: int) -> None:
        for guest in self._clients_of(person):
            await guest.enter(room)

    # Helpers --------------------------------------------------------------------------------------

    async def _make(self, name: str, kind: str) -> int:
        made = await self._http.post("/api/rooms/", json={"name": name, "kind": kind})
        return int(made.raise_for_status().json()["room"]["id"])

    async def _ask(self, method: str, path: str, body: Mapping[str, object]) -> None:
        """Request a change by HTTP until it is answered; a refused repeat counts as an answer."""
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = await self._http.request(method, path, json=body)
                if answer.is_success or answer.status_code == httpx.codes.NOT_FOUND:
                    return
                if answer.status_code < 500 and answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                    raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
            await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def _watch_silence(self) -> None:
        while True:
            await asyncio.sleep(SILENCE_CHECK_SECONDS)
            now = time.monotonic()
            for guest in self.guests:
                guest.watch(now)

    def _note_final(self, guest: Guest) -> None:
        if guest.stopped is not None or guest.person.id in {ban.user for ban in self.history.bans}:
            return
        for room in self.rooms:
            copy = guest.copy_of(room)
            stays = [
                stay
                for stay in self.history.stays
                if stay.user == guest.person.id and stay.room == room
            ]
            restricted = bool(stays) or room in self.history.guarded
            if copy is not None and (
                not restricted or any(stay.end_asked == math.inf for stay in stays)
            ):
                guest.log.finals[room] = copy.final()

    async def _pause(self, seconds: float) -> None:
        """Wait, unless it is over before."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), seconds)

    def _fork(self) -> random.Random:
        return random.Random(self.stage.rnd.random())
