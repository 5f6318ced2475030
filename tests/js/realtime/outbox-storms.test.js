/**
 * Whatever happens, what was written is posted once, and in the order of writing in its room.
 *
 * Each run is one seed: two tabs of Alice's browser write into three rooms while connections are
 * cut before and after the commit, answers are lost, the server refuses for a while, and tabs are
 * reloaded in the middle of it. `SEED=n` runs one, `RUNS=n` more of them.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Outbox } from '../../../realtime/static/realtime/outbox/outbox.js';
import { FakeClock, seeded, settle } from '../support/clock.js';
import { FakeIndexedDB } from '../support/indexeddb.js';
import { clientScene, reports } from '../support/scene.js';
import { FakeServer } from '../support/server.js';
import { FakeChannels, FakeLocks } from '../support/tabs.js';

const RUNS = Number(process.env.RUNS ?? 100);
const STEPS = 120;
const ROOMS = [1, 2, 3];

/** @typedef {ReturnType<typeof world>} World */
/**
 * @typedef
 *   {{outbox: Outbox, client: import('../../../realtime/static/realtime/client.js').Client, die: () => void}}
 *   Tab
 */

/** @param {number} seed */
function world(seed) {
  const random = seeded(seed);
  const clock = new FakeClock();
  clock.chance = random;
  const server = new FakeServer();
  server.manual = true;
  const { all: problems, report } = reports();
  return {
    random,
    clock,
    server,
    problems,
    report,
    disk: new FakeIndexedDB(),
    locks: new FakeLocks(),
    channels: new FakeChannels(),
    /** @type {Map<string, string[]>} */
    written: new Map(ROOMS.map((room) => [`room.${room}`, []])),
    /** @type {Tab[]} */
    tabs: [],
  };
}

/**
 * Open a tab. A tab that dies takes its lock and its promises with it.
 * @param {World} scene
 * @returns {Promise<Tab>}
 */
async function openTab({ clock, server, disk, locks, channels, report }) {
  let alive = true;
  /** @type {Set<() => void>} */
  const releases = new Set();
  const mine = {
    request: (
      /** @type {string} */ name,
      /** @type {{signal: AbortSignal}} */ options,
      /** @type {() => Promise<void>} */ callback,
    ) =>
      locks.request(name, options, () => {
        if (!alive) return Promise.resolve();
        const death = new Promise((resolve) => void releases.add(() => resolve(undefined)));
        return /** @type {Promise<void>} */ (Promise.race([callback(), death]));
      }),
  };
  const outbox = new Outbox({
    owner: 7,
    indexedDB: disk.factory,
    locks: mine,
    channel: channels.join(),
    clock,
    report,
  });
  await outbox.ready;
  const { client } = clientScene({ outbox }, server, clock);
  const die = () => {
    alive = false;
    client.stop();
    outbox.close();
    for (const release of releases) release();
  };
  return { outbox, client, die };
}

/** @template T @param {World} world @param {T[]} values @returns {T} */
const pick = ({ random }, values) => values[Math.floor(random() * values.length)];

/** @param {World} world */
async function write(world) {
  const { outbox } = pick(world, world.tabs);
  const room = pick(world, ROOMS);
  const bodies = /** @type {string[]} */ (world.written.get(`room.${room}`));
  const body = `${room}: ${bodies.length}`;
  bodies.push(body);
  outbox.add({ command: 'message.post', orderingKey: `room.${room}`, fields: { room, body } });
  // Stored: from here on it survives whatever happens. Two tabs that write in the same moment have
  // no order between them.
  await settle();
}

/** @param {World} world */
function move(world) {
  const open = world.server.connections.filter(({ open }) => open);
  if (open.length === 0) return;
  const connection = pick(world, open);
  if (world.random() < 0.5 ? !connection.moveToServer() : !connection.moveToClient())
    connection.moveToClient();
}

/** @param {World} world */
async function fault(world) {
  const { server, random } = world;
  const index = Math.floor(random() * world.tabs.length);
  const { client } = world.tabs[index];
  const faults = [
    () => pick(world, server.connections)?.cut(1006),
    () => pick(world, server.connections)?.die(),
    () =>
      server.refuseNext('message.post', {
        code: pick(world, ['rate_limited', 'unavailable', 'slow_mode']),
        message: 'later',
        retry_after: random(),
      }),
    () => client.sleep(),
    () => client.wake(),
    async () => {
      world.tabs[index].die();
      world.tabs[index] = await openTab(world);
      world.tabs[index].client.start();
    },
  ];
  await pick(world, faults)();
}

/** @param {number} seed */
async function run(seed) {
  const scene = world(seed);
  scene.tabs = [await openTab(scene), await openTab(scene)];
  for (const { client } of scene.tabs) client.start();
  for (let step = 0; step < STEPS; step += 1) {
    const chance = scene.random();
    if (chance < 0.2) await write(scene);
    else if (chance < 0.75) move(scene);
    else if (chance < 0.92) await scene.clock.advance(scene.random() * 1_000);
    else await fault(scene);
    await settle();
  }
  scene.server.manual = false;
  scene.server.refusals.clear();
  for (const connection of scene.server.connections) connection.moveSoon();
  for (const { client } of scene.tabs) client.wake();
  await scene.clock.advance(180_000);
  for (const [room, bodies] of scene.written) assert.deepEqual(scene.server.bodies(room), bodies);
  for (const { outbox } of scene.tabs) assert.deepEqual(outbox.entries, []);
  assert.equal(scene.disk.rows.size, 0);
}

const seeds = process.env.SEED
  ? [Number(process.env.SEED)]
  : Array.from({ length: RUNS }, (_, index) => index + 1);

test(`everything written is posted once and in order, in ${seeds.length} storms`, async () => {
  for (const seed of seeds) {
    await run(seed).catch((error) => {
      error.message = `SEED=${seed}: ${error.message}`;
      throw error;
    });
  }
});
