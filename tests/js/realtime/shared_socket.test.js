/** One connection for the tabs of a browser: who has it, and that no tab notices whose it is. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HEARTBEAT_TIMEOUT_MS } from '../../../realtime/static/realtime/connection/heartbeat.js';
import { COMMAND_TIMEOUT_MS } from '../../../realtime/static/realtime/connection/replies.js';
import {
  LEADER_TIMEOUT_MS,
  PING_AFTER_MS,
} from '../../../realtime/static/realtime/tabs/follower.js';
import { sharedTransport } from '../../../realtime/static/realtime/tabs/shared_socket.js';
import { FakeBrowser } from '../support/browser.js';
import { settle } from '../support/clock.js';
import { copyOf } from '../support/scene.js';

/** @typedef {import('../support/browser.js').Tab} Tab */

/**
 * Tabs that follow room.1, which has three messages.
 * @param {number} count
 */
async function scene(count) {
  const browser = new FakeBrowser();
  for (const body of ['one', 'two', 'three']) browser.server.post('room.1', body);
  const tabs = [];
  for (let index = 0; index < count; index += 1) tabs.push(await openTab(browser));
  return { browser, server: browser.server, clock: browser.clock, tabs };
}

/** @param {FakeBrowser} browser */
async function openTab(browser) {
  const tab = browser.open();
  const copy = copyOf(browser.server, 'room.1');
  tab.client.subscribe('room.1', copy);
  tab.client.start();
  await settle();
  await settle();
  return Object.assign(tab, { copy });
}

/** @param {...{copy: ReturnType<typeof copyOf>}} tabs */
const bodies = (...tabs) => tabs.map(({ copy }) => copy.bodies().join(' '));

describe('one connection', () => {
  test('three tabs have one between them, and all hear everything', async () => {
    const { browser, server, tabs } = await scene(3);
    assert.equal(server.connections.length, 1);
    server.post('room.1', 'four');
    await settle();
    assert.deepEqual(bodies(...tabs), Array(3).fill('one two three four'));
    assert.deepEqual(
      tabs.map(({ leads }) => leads),
      [true, false, false],
    );
    assert.deepEqual(browser.problems, []);
  });

  test('a tab that comes later is greeted, and on the present costs the server nothing', async () => {
    const { browser, server } = await scene(1);
    const before = server.received.length;
    const late = await openTab(browser);
    assert.equal(late.client.user?.username, 'alice');
    assert.equal(late.client.stream('room.1')?.state, 'level');
    assert.equal(server.received.length, before);
  });

  test('a tab that is looked at before it has its seat follows all the same', async () => {
    const { browser, server } = await scene(1);
    server.post('room.2', 'one');
    const early = browser.open();
    const copy = copyOf(server, 'room.2');
    early.client.subscribe('room.2', copy);
    early.client.start();
    early.client.wake(); // the browser says that the page is shown
    await settle();
    await settle();
    server.post('room.2', 'two');
    await settle();
    assert.deepEqual(bodies({ copy }), ['one two']);
    assert.deepEqual(server.commands('unsubscribe'), []);
  });

  test('a tab with an older position catches up, and the others stay level', async () => {
    const { browser, server, tabs } = await scene(2);
    for (let number = 4; number < 20; number += 1) server.post('room.1', `message ${number}`);
    await settle();
    const late = browser.open();
    const copy = copyOf(server, 'room.1');
    late.client.subscribe('room.1', { ...copy, position: 1 });
    late.client.start();
    await settle();
    await settle();
    assert.equal(late.client.stream('room.1')?.state, 'level');
    assert.equal(copy.rows.size, 18);
    server.post('room.1', 'the last');
    await settle();
    assert.deepEqual(
      [...tabs, late].map(({ client }) => client.stream('room.1')?.position),
      [20, 20, 20],
    );
    assert.deepEqual(
      tabs.map(({ client }) => client.stream('room.1')?.state),
      ['level', 'level'],
    );
  });

  test('what the last tab leaves is left at the server, and no sooner', async () => {
    const { server, tabs } = await scene(2);
    tabs[1].client.unsubscribe('room.1');
    await settle();
    assert.equal(server.commands('unsubscribe').length, 0);
    tabs[0].client.unsubscribe('room.1');
    await settle();
    assert.deepEqual(
      server.commands('unsubscribe').map(({ streams }) => streams),
      [['room.1']],
    );
  });

  test('what only a tab that crashed has followed is left', async () => {
    const { browser, server, tabs } = await scene(2);
    tabs[1].client.subscribe('room.2', copyOf(server, 'room.2'));
    await settle();
    tabs[1].crash();
    await settle();
    assert.deepEqual(
      server.commands('unsubscribe').map(({ streams }) => streams),
      [['room.2']],
    );
    assert.equal(browser.connections.length, 1);
  });

  test('replies find the tab that asked, although both count from one', async () => {
    const { server, tabs } = await scene(2);
    const post = (/** @type {Tab} */ { client }, /** @type {string} */ key) =>
      client.command('message.post', { room: 1, key, body: key });
    const [one, two] = await Promise.all([post(tabs[0], 'a'), post(tabs[1], 'b')]);
    assert.deepEqual([one.message.body, two.message.body], ['a', 'b']);
    server.refuseNext('message.post', { code: 'slow_mode', message: 'Wait.', retry_after: 4 });
    await assert.rejects(post(tabs[1], 'c'), { code: 'slow_mode', retryAfter: 4 });
  });

  test('a stream that the server closes is closed in all tabs', async () => {
    const { server, tabs } = await scene(2);
    server.connection.end('room.1', 'banned');
    await settle();
    assert.deepEqual(
      tabs.map(({ copy }) => copy.reasons),
      [['banned'], ['banned']],
    );
  });

  test('a subscription that falls behind is pulled once for all', async () => {
    const { server, tabs } = await scene(3);
    server.manual = true;
    server.connection.fallBehind('room.1');
    server.post('room.1', 'four');
    server.connection.moveToClient();
    await settle();
    server.manual = false;
    server.connection.moveSoon();
    await settle();
    assert.deepEqual(bodies(...tabs), Array(3).fill('one two three four'));
    assert.equal(server.commands('pull').length, 1);
  });

  test('another history is another one for all', async () => {
    const { browser, server, tabs, clock } = await scene(2);
    const backup = server.backup();
    server.post('room.1', 'lost by the restore');
    await settle();
    server.restore(backup);
    await clock.advance(2_000);
    assert.deepEqual(bodies(...tabs), Array(2).fill('one two three'));
    assert.deepEqual(
      tabs.map(({ client }) => client.epoch),
      ['e-2', 'e-2'],
    );
    assert.equal(browser.connections.length, 1);
  });

  test('a follower that doubts the history makes the server say which one it is', async () => {
    const { server, tabs } = await scene(2);
    tabs[1].client.checkEpoch('e-9');
    await settle();
    await settle();
    assert.equal(server.connections.length, 2);
    assert.deepEqual(
      tabs.map(({ client }) => client.state.name),
      ['open', 'open'],
    );
  });
});

describe('who leads', () => {
  test('the leader is closed: the next tab leads, and nobody misses anything', async () => {
    const { browser, server, tabs } = await scene(3);
    tabs[0].close();
    server.post('room.1', 'meanwhile');
    await settle();
    await settle();
    assert.deepEqual(bodies(tabs[1], tabs[2]), Array(2).fill('one two three meanwhile'));
    assert.deepEqual([tabs[1].leads, tabs[2].leads, browser.connections.length], [true, false, 1]);
  });

  test('the leader crashes: the same', async () => {
    const { browser, server, tabs } = await scene(3);
    tabs[0].crash();
    server.post('room.1', 'meanwhile');
    await settle();
    await settle();
    assert.deepEqual(bodies(tabs[1], tabs[2]), Array(2).fill('one two three meanwhile'));
    assert.equal(browser.connections.length, 1);
  });

  test('the leader is frozen: a tab that becomes visible takes over, and the thawed one follows', async () => {
    const { browser, server, tabs, clock } = await scene(3);
    tabs[0].freeze();
    tabs[2].client.wake();
    await clock.advance(LEADER_TIMEOUT_MS);
    assert.deepEqual([tabs[1].leads, tabs[2].leads], [false, true]);
    server.post('room.1', 'meanwhile');
    await settle();
    assert.deepEqual(bodies(tabs[1], tabs[2]), Array(2).fill('one two three meanwhile'));
    tabs[0].thaw();
    await clock.advance(1_000);
    assert.deepEqual(bodies(...tabs), Array(3).fill('one two three meanwhile'));
    assert.deepEqual([tabs[0].leads, browser.connections.length], [false, 1]);
    assert.deepEqual(browser.problems, []);
  });

  test('the leader is frozen, and nobody looks: a silence is noticed all the same', async () => {
    const { server, tabs, clock } = await scene(2);
    tabs[0].freeze();
    await clock.advance(PING_AFTER_MS + HEARTBEAT_TIMEOUT_MS);
    server.post('room.1', 'meanwhile');
    await settle();
    assert.deepEqual(bodies(tabs[1]), ['one two three meanwhile']);
  });

  test('a leader whose connection is dead, and whose timers are slow, is no better', async () => {
    const { server, tabs, clock } = await scene(2);
    server.connection.die();
    tabs[1].client.wake();
    await clock.advance(LEADER_TIMEOUT_MS + 100);
    server.post('room.1', 'meanwhile');
    await settle();
    assert.deepEqual(bodies(...tabs), Array(2).fill('one two three meanwhile'));
  });

  test('a leader that answers keeps its connection', async () => {
    const { server, tabs, clock } = await scene(2);
    tabs[1].client.wake();
    await clock.advance(5 * PING_AFTER_MS);
    assert.deepEqual([tabs[0].leads, server.connections.length], [true, 1]);
  });

  test('a command under way ends like one of a cut connection', async () => {
    const { server, tabs } = await scene(2);
    server.ignored.add('message.edit');
    const edit = tabs[1].client.command('message.edit', { message: 1, body: 'x' });
    await settle();
    tabs[0].close();
    await assert.rejects(edit, { code: 'no_reply' });
  });

  test('a leader that was frozen sends nothing that was given up long ago', async () => {
    const { server, tabs, clock } = await scene(2);
    tabs[0].freeze();
    const edit = tabs[1].client
      .command('message.edit', { message: 1, body: 'x' })
      .catch(({ code }) => code);
    await clock.advance(COMMAND_TIMEOUT_MS + 1_000);
    assert.equal(await edit, 'timed_out');
    tabs[0].thaw();
    await clock.advance(1_000);
    assert.equal(server.commands('message.edit').length, 0);
  });

  test('a tab that sleeps lets another one lead, and comes back as a follower', async () => {
    const { browser, server, tabs, clock } = await scene(2);
    tabs[0].client.sleep();
    await settle();
    assert.deepEqual(
      [tabs[0].client.state.name, tabs[1].client.state.name, tabs[1].leads],
      ['offline', 'open', true],
    );
    server.post('room.1', 'meanwhile');
    tabs[0].client.wake();
    await clock.advance(100);
    assert.deepEqual(bodies(...tabs), Array(2).fill('one two three meanwhile'));
    assert.equal(browser.connections.length, 1);
  });

  test('nothing is held by tabs that left', async () => {
    const { browser, tabs, clock } = await scene(3);
    for (const { client } of tabs) client.sleep();
    await settle();
    assert.equal(browser.locks.count('shared'), 0);
    assert.equal(browser.connections.length, 0);
    assert.equal(clock.pending, 0);
  });
});

describe('states', () => {
  test('all tabs wait for the same moment, and "Try now" in any of them is for all', async () => {
    const { server, tabs, clock } = await scene(2);
    server.reachable = false;
    server.connection.bye(1012, 'restart', 60);
    await settle();
    assert.deepEqual(tabs[1].client.state, tabs[0].client.state);
    assert.equal(tabs[1].client.state.name, 'waiting');
    server.reachable = true;
    tabs[1].client.retryNow();
    await clock.advance(100);
    assert.deepEqual(
      tabs.map(({ client }) => client.state.name),
      ['open', 'open'],
    );
  });

  test('a hidden leader whose timer is late connects in time, because a follower reminds it', async () => {
    const { server, tabs, clock } = await scene(2);
    server.connection.bye(1012, 'restart', 2);
    await settle();
    await clock.advance(2_000);
    assert.equal(tabs[1].client.state.name, 'open');
  });

  test('a session that ended stops all tabs; one that is valid again starts all', async () => {
    const { server, tabs, browser } = await scene(2);
    server.connection.cut(4502, 'logout');
    await settle();
    assert.deepEqual(
      tabs.map(({ client }) => client.state.name),
      ['stopped', 'stopped'],
    );
    tabs[1].client.start();
    await settle();
    await settle();
    assert.deepEqual(
      tabs.map(({ client }) => client.state.name),
      ['open', 'open'],
    );
    assert.equal(browser.connections.length, 1);
  });

  test('a tab that is opened after signing in again starts those that were stopped', async () => {
    const { server, tabs, browser } = await scene(1);
    server.connection.cut(4502, 'logout');
    await settle();
    const late = await openTab(browser);
    assert.deepEqual(
      [...tabs, late].map(({ client }) => client.state.name),
      ['open', 'open'],
    );
  });

  test('another user signed in: no tab continues for the user who left', async () => {
    const { server, tabs, browser, clock } = await scene(3);
    server.user = { id: 8, username: 'bob', name: 'Bob' };
    server.connection.cut(1006);
    await clock.advance(60_000);
    assert.deepEqual(
      tabs.map(({ client }) => client.state.name),
      ['stopped', 'stopped', 'stopped'],
    );
    assert.equal(browser.connections.length, 0);
  });

  test('a stream that one tab may not read does not disturb the others', async () => {
    const { server, tabs } = await scene(2);
    server.forbidden.set('room.2', 'forbidden');
    const copy = copyOf(server, 'room.2');
    tabs[1].client.subscribe('room.2', copy);
    await settle();
    await settle();
    assert.deepEqual(copy.reasons, ['forbidden']);
    assert.deepEqual(
      tabs.map(({ client }) => client.stream('room.1')?.state),
      ['level', 'level'],
    );
  });

  test('without Web Locks there is nothing to share', () => {
    assert.equal(sharedTransport({ path: '/ws/chat/', user: 7 }), undefined);
  });
});
