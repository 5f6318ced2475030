/**
 * Whatever happens to the tabs of a browser and to their one connection, every tab ends with
 * exactly the state of the server.
 *
 * Each run is one seed: Alice opens, closes, freezes, thaws, sends to sleep and wakes tabs, some of
 * which crash, while the server and the network misbehave as in convergence.test.js. Each tab
 * follows streams of its own choice and sends commands. Then the weather clears: all tabs are
 * level, one connection is open, and no command has reached the server twice. `SEED=n` runs one,
 * `RUNS=n` more.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FakeBrowser } from '../support/browser.js';
import { FakeClock, seeded, settle } from '../support/clock.js';
import { copyOf } from '../support/scene.js';
import { FakeServer } from '../support/server.js';

const RUNS = Number(process.env.RUNS ?? 100);
const STEPS = 250;
const MAX_TABS = 5;
const NAMES = ['room.1', 'room.2', 'inbox.7'];

/** @typedef {ReturnType<typeof world>} World */
/**
 * @typedef {ReturnType<FakeBrowser['open']> & {copies: Map<string, ReturnType<typeof copyOf>>}} Tab
 */

/** @param {number} seed */
function world(seed) {
  const random = seeded(seed);
  const server = new FakeServer();
  server.manual = true;
  const clock = new FakeClock();
  clock.chance = random;
  const browser = new FakeBrowser(server, clock);
  return {
    random,
    server,
    clock,
    browser,
    backup: server.backup(),
    sent: 0,
    tabs: /** @type {Tab[]} */ ([]),
  };
}

/** @template T @param {World} world @param {T[]} values @returns {T} */
const pick = ({ random }, values) => values[Math.floor(random() * values.length)];

/** @param {World} world */
function openTab(world) {
  const { browser, server, random, tabs } = world;
  if (tabs.length >= MAX_TABS) return;
  const tab = browser.open({ epoch: server.epoch }); // as the page has it
  const copies = new Map(NAMES.map((name) => [name, copyOf(server, name)]));
  for (const copy of copies.values())
    copy.delay = () =>
      new Promise((resolve) => void tab.clock.setTimeout(() => resolve(), random() * 2_000));
  for (const [name, copy] of copies) if (random() < 0.7) tab.client.subscribe(name, copy);
  tab.client.start();
  tabs.push(Object.assign(tab, { copies }));
}

/** @param {World} world @param {(tab: Tab) => void} end */
function endTab(world, end) {
  if (world.tabs.length < 2) return;
  const tab = pick(world, world.tabs);
  world.tabs.splice(world.tabs.indexOf(tab), 1);
  end(tab);
}

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
  const { connections } = world.browser;
  if (connections.length === 0) return;
  const connection = pick(world, connections);
  if (world.random() < 0.5 ? !connection.moveToServer() : !connection.moveToClient())
    connection.moveToClient();
}

/** @param {World} world */
function faultOfServer(world) {
  const { server, random } = world;
  const { connection } = server;
  if (!connection) return;
  const name = pick(world, NAMES);
  const faults = [
    () => connection.cut(pick(world, [1000, 1006, 1012, 4001, 4003])),
    () => connection.bye(1012, 'restart', random() * 3),
    () => connection.die(),
    () => connection.repeat(name),
    () => connection.repeatPage(name),
    () => connection.forgetPush(),
    () => connection.joinFrames(),
    () => connection.repair(name),
    () => connection.fallBehind(name),
    () => server.retain(name),
    () => {
      const error = {
        code: pick(world, ['rate_limited', 'unavailable']),
        message: 'later',
        retry_after: random(),
      };
      server.refuseNext(pick(world, ['subscribe', 'pull']), error);
    },
    () => (world.backup = server.backup()),
    () => random() < 0.2 && server.restore(world.backup),
  ];
  pick(world, faults)();
}

/** A frozen tab does nothing by itself. @param {World} world */
function faultOfTab(world) {
  const awake = world.tabs.filter(({ frozen }) => !frozen);
  const asleep = world.tabs.filter(({ frozen }) => frozen);
  const faults = [
    () => openTab(world),
    () => openTab(world),
    () => endTab(world, (tab) => tab.crash()),
  ];
  if (asleep.length > 0) faults.push(() => pick(world, asleep).thaw());
  if (awake.length > 0) {
    const tab = pick(world, awake);
    const name = pick(world, NAMES);
    faults.push(
      () => {
        if (world.tabs.length < 2) return;
        world.tabs.splice(world.tabs.indexOf(tab), 1);
        tab.close();
      },
      () => tab.freeze(),
      () => tab.client.sleep(),
      () => tab.client.wake(),
      () => tab.client.wake(),
      () => tab.client.retryNow(),
      () => tab.client.checkEpoch(world.server.epoch),
      () => tab.client.unsubscribe(name),
      () => void tab.client.subscribe(name, /** @type {any} */ (tab.copies.get(name))),
    );
  }
  pick(world, faults)();
}

/** A command without a key: it is done once, or not at all. @param {World} world */
function command(world) {
  const awake = world.tabs.filter(({ frozen }) => !frozen);
  if (awake.length === 0) return;
  world.sent += 1;
  pick(world, awake)
    .client.command('message.react', { nonce: world.sent })
    .catch(() => {});
}

/** @param {World} world */
async function storm(world) {
  for (let step = 0; step < STEPS; step += 1) {
    const chance = world.random();
    if (chance < 0.25) commit(world);
    else if (chance < 0.3) command(world);
    else if (chance < 0.75) move(world);
    else if (chance < 0.88) await world.clock.advance(world.random() * 800);
    else if (chance < 0.94) faultOfServer(world);
    else faultOfTab(world);
    await settle();
    assertNoPullTwice(world);
  }
}

/** @param {World} world */
function assertNoPullTwice({ browser }) {
  for (const { toServer } of browser.connections) {
    const pulls = toServer
      .map((text) => JSON.parse(text))
      .filter(({ command }) => command === 'pull');
    assert.equal(
      new Set(pulls.map(({ stream, after }) => `${after} ${stream}`)).size,
      pulls.length,
      'the same pull twice at once',
    );
  }
}

/** @param {World} world */
async function clearUp(world) {
  const { server, clock, tabs } = world;
  server.manual = false;
  server.refusals.clear();
  for (const connection of server.connections) connection.moveSoon();
  for (const tab of tabs) tab.thaw();
  await clock.advance(1_000);
  for (const { client, copies } of tabs) {
    client.wake();
    for (const [name, copy] of copies) if (!client.stream(name)) client.subscribe(name, copy);
  }
  await clock.advance(120_000);
  for (const name of NAMES) server.connection.repair(name);
  // A push that was forgotten is noticed with the next change.
  for (const name of NAMES)
    server.commit(name, 'message', { id: 99, number: 99, body: 'the last one' });
  await clock.advance(120_000);
}

/** @param {World} world */
function assertConverged({ browser, server, tabs }) {
  assert.equal(browser.connections.length, 1, 'one connection');
  assert.equal(tabs.filter(({ leads }) => leads).length, 1, 'one leader');
  tabs.forEach(({ client, copies }, index) => {
    for (const [name, copy] of copies) {
      assert.equal(client.stream(name)?.state, 'level', `${name} of tab ${index} is level`);
      assert.equal(
        client.stream(name)?.position,
        server.stream(name).head,
        `${name} of tab ${index}`,
      );
      assert.equal(copy.backwards, 0, `${name} of tab ${index} received nothing twice`);
      assert.deepEqual(
        sorted(copy.rows),
        sorted(server.stream(name).rows),
        `${name} of tab ${index} is the same on both sides`,
      );
    }
  });
  const nonces = server.commands('message.react').map(({ nonce }) => nonce);
  assert.equal(new Set(nonces).size, nonces.length, 'a command was sent twice');
  assert.deepEqual(browser.problems, []);
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
  openTab(scene);
  openTab(scene);
  await storm(scene);
  await clearUp(scene);
  assertConverged(scene);
}

const seeds = process.env.SEED
  ? [Number(process.env.SEED)]
  : Array.from({ length: RUNS }, (_, index) => index + 1);

test(`every tab ends with the server's state, in ${seeds.length} storms`, async () => {
  for (const seed of seeds) {
    await run(seed).catch((error) => {
      error.message = `SEED=${seed}: ${error.message}`;
      throw error;
    });
  }
});
