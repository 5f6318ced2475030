/**
 * Whatever happens between them, the page ends with exactly the state of the server.
 *
 * Each run is one seed: Alice follows three streams while rows are written, changed and deleted;
 * frames are delayed one by one; the broker loses and repeats; the connection is cut in every way
 * that the protocol knows, falls silent or speaks rubbish; history is cut short by a retention run
 * and by a restore. Then the weather clears, and the copies are compared. `SEED=n` runs one,
 * `RUNS=n` more.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FakeClock, seeded, settle } from '../support/clock.js';
import { clientScene, copyOf } from '../support/scene.js';
import { FakeServer } from '../support/server.js';

const RUNS = Number(process.env.RUNS ?? 150);
const STEPS = 250;
const NAMES = ['room.1', 'room.2', 'inbox.7'];

/** @typedef {ReturnType<typeof world>} World */

/** @param {number} seed */
function world(seed) {
  const random = seeded(seed);
  const server = new FakeServer();
  server.manual = true;
  const clock = new FakeClock();
  clock.chance = random;
  const { client, problems } = clientScene({}, server, clock);
  const copies = new Map(NAMES.map((name) => [name, copyOf(server, name)]));
  for (const copy of copies.values())
    copy.delay = () =>
      new Promise((resolve) => void clock.setTimeout(() => resolve(), random() * 2_000));
  return {
    random,
    server,
    clock,
    client,
    problems,
    copies,
    backup: server.backup(),
    deleted: new Set(),
  };
}

/** @param {World} world */
function follow({ client, copies }) {
  for (const [name, copy] of copies) client.subscribe(name, copy);
}

/** @template T @param {World} world @param {T[]} values @returns {T} */
const pick = ({ random }, values) => values[Math.floor(random() * values.length)];

/** Write, change or delete a row; a deleted one stays deleted. @param {World} world */
function commit(world) {
  const { server, random } = world;
  const name = pick(world, NAMES);
  const id = Math.floor(random() * 8);
  const deleted = server.stream(name).rows.get(`message:${id}`)?.data.deleted || random() < 0.1;
  server.commit(
    name,
    'message',
    { id, number: id, deleted, body: deleted ? '' : `text ${random()}` },
    { lost: random() < 0.2 },
  );
}

/** @param {World} world */
function move(world) {
  const { connection } = world.server;
  if (
    connection &&
    (world.random() < 0.5 ? !connection.moveToServer() : !connection.moveToClient())
  )
    connection.moveToClient();
}

/** @param {World} world */
function fault(world) {
  const { server, random, client } = world;
  const { connection } = server;
  const name = pick(world, NAMES);
  const faults = [
    () => connection.cut(pick(world, [1000, 1006, 1009, 1012, 4001, 4003])),
    () => connection.bye(1012, 'restart', random() * 3),
    () => connection.die(),
    () =>
      connection.sendText(
        pick(world, [
          'rubbish',
          '[1]',
          '{"type":"event","stream":"room.1","seq":"?"}',
          '{"type":"page","stream":"room.1"}',
        ]),
      ),
    () => connection.repeat(name),
    () => connection.repeatPage(name),
    () => connection.forgetPush(),
    () => connection.joinFrames(),
    () => connection.joinFrames(),
    () => connection.repair(name),
    () => connection.fallBehind(name),
    () => server.retain(name),
    () =>
      server.refuseNext(pick(world, ['subscribe', 'pull']), {
        code: pick(world, ['rate_limited', 'unavailable']),
        message: 'later',
        retry_after: random(),
      }),
    () => client.wake(),
    () => client.sleep(),
    () => client.unsubscribe(name),
    () => client.subscribe(name, /** @type {any} */ (world.copies.get(name))),
    () => (world.backup = server.backup()),
    () => random() < 0.2 && server.restore(world.backup),
  ];
  pick(world, faults)();
}

/** @param {World} world */
async function storm(world) {
  for (let step = 0; step < STEPS; step += 1) {
    const chance = world.random();
    if (chance < 0.3) commit(world);
    else if (chance < 0.8) move(world);
    else if (chance < 0.93) await world.clock.advance(world.random() * 400);
    else fault(world);
    await settle();
    assertOnePullPerStream(world);
  }
}

/**
 * Commands that the server has not answered yet hold at most one pull of each stream.
 * @param {World} world
 */
function assertOnePullPerStream({ server: { connection } }) {
  const waiting = connection.toServer
    .map((text) => JSON.parse(text))
    .filter(({ command }) => command === 'pull');
  assert.equal(
    new Set(waiting.map(({ stream }) => stream)).size,
    waiting.length,
    'two pulls of one stream at once',
  );
}

/** @param {World} world */
async function clearUp(world) {
  const { server, clock, client } = world;
  server.manual = false;
  server.refusals.clear();
  for (const connection of server.connections) connection.moveSoon();
  client.wake();
  for (const [name, copy] of world.copies) if (!client.stream(name)) client.subscribe(name, copy);
  for (const name of NAMES) server.connection.repair(name);
  await clock.advance(120_000);
  // A push that was forgotten is noticed with the next change.
  for (const name of NAMES)
    server.commit(name, 'message', { id: 99, number: 99, body: 'the last one' });
  await clock.advance(120_000);
}

/** @param {World} world */
function assertConverged({ server, client, copies, problems }) {
  for (const [name, copy] of copies) {
    assert.equal(client.stream(name)?.state, 'level', `${name} is level`);
    assert.equal(client.stream(name)?.position, server.stream(name).head);
    assert.equal(copy.backwards, 0, `${name} received nothing twice`);
    assert.deepEqual(
      sorted(copy.rows),
      sorted(server.stream(name).rows),
      `${name} is the same on both sides`,
    );
  }
  assert.deepEqual(
    problems.filter((problem) => !problem.includes('reading from the connection')),
    [],
  );
}

/** @param {Map<string, {seq: number, data: any}>} rows */
function sorted(rows) {
  return [...rows]
    .map(([key, { seq, data }]) => ({ key, seq, data }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** @param {number} seed */
async function run(seed) {
  const scene = world(seed);
  follow(scene);
  scene.client.start();
  await storm(scene);
  await clearUp(scene);
  assertConverged(scene);
}

const seeds = process.env.SEED
  ? [Number(process.env.SEED)]
  : Array.from({ length: RUNS }, (_, index) => index + 1);

test(`the page ends with the server's state, in ${seeds.length} storms`, async () => {
  for (const seed of seeds) {
    await run(seed).catch((error) => {
      error.message = `SEED=${seed}: ${error.message}`;
      throw error;
    });
  }
});
