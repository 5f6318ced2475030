import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  BYE_TIMEOUT_MS,
  CONNECT_TIMEOUT_MS,
  MAX_SLOT_MS,
  STABLE_AFTER_MS,
  WAKE_TIMEOUT_MS,
} from '../../../realtime/static/realtime/connection/socket.js';
import { settle } from '../support/clock.js';
import { socketScene } from '../support/scene.js';

async function openScene() {
  const scene = socketScene();
  scene.socket.start();
  await settle();
  assert.equal(scene.socket.state.name, 'open');
  return scene;
}

describe('reconnecting', () => {
  for (const code of [1000, 1001, 1006, 1009, 1011, 1012, 1013, 4001, 4002, 4003]) {
    test(`after ${code}`, async () => {
      const { server, socket, clock } = await openScene();
      server.connection.cut(code);
      await settle();
      assert.equal(socket.state.name, 'waiting');
      await clock.advance(500);
      assert.equal(socket.state.name, 'open');
    });
  }

  for (const code of [4500, 4501, 4502, 4503, 4504, 4599]) {
    test(`not after ${code}, which is explained`, async () => {
      const { server, socket, clock } = await openScene();
      server.connection.cut(code, 'You were banned: spam.');
      await settle();
      assert.deepEqual(socket.state, { name: 'stopped', code, reason: 'You were banned: spam.' });
      socket.wake();
      await clock.advance(3_600_000);
      assert.equal(server.connections.length, 1);
      assert.equal(clock.pending, 0);
    });
  }

  test('not without credentials: accepted and closed at once', async () => {
    const { server, socket } = socketScene();
    server.mute = true;
    socket.start();
    server.connection.bye(4501, 'not authenticated', null);
    await settle();
    assert.deepEqual(socket.state, { name: 'stopped', code: 4501, reason: 'not authenticated' });
  });

  test('takes the reason from bye when the close frame has none', async () => {
    const { server, socket } = await openScene();
    server.connection.send({ type: 'bye', reason: 'banned', retry_after: null });
    await settle();
    server.connection.cut(4503);
    await settle();
    assert.deepEqual(socket.state, { name: 'stopped', code: 4503, reason: 'banned' });
  });

  test('after a stop, when the person asks for it', async () => {
    const { server, socket } = await openScene();
    server.connection.cut(4504);
    await settle();
    socket.retryNow();
    await settle();
    assert.equal(socket.state.name, 'open');
  });

  test('waits longer after every failure, up to twenty seconds', async () => {
    const { server, socket, clock } = socketScene();
    server.reachable = false;
    clock.chance = () => 1;
    socket.start();
    const waits = [];
    for (let i = 0; i < 8; i += 1) {
      await settle();
      const state = socket.state;
      assert.equal(state.name, 'waiting');
      if (state.name === 'waiting') waits.push(state.retryAt - clock.now());
      await clock.advance(waits[waits.length - 1]);
    }
    assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
  });

  test('a server that accepts and closes at once is not hammered', async () => {
    const { server, socket, clock } = await openScene();
    clock.chance = () => 1;
    const waits = [];
    for (let i = 0; i < 6; i += 1) {
      server.connection.cut(4002);
      await settle();
      const state = socket.state;
      if (state.name === 'waiting') waits.push(state.retryAt - clock.now());
      await clock.advance(waits[i]);
    }
    assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16_000]);
  });

  test('starts from half a second again after a connection that lasted', async () => {
    const { server, socket, clock } = await openScene();
    clock.chance = () => 1;
    for (let i = 0; i < 5; i += 1) {
      server.connection.cut(1006);
      await settle();
      const state = socket.state;
      assert.ok(state.name === 'waiting' && state.retryAt - clock.now() === 500);
      await clock.advance(500 + STABLE_AFTER_MS);
    }
  });

  test('comes back in the slot that bye gave, whatever the backoff says', async () => {
    const { server, socket, clock } = await openScene();
    server.connection.bye(1012, 'restart', 2.4);
    await settle();
    assert.deepEqual(socket.state, { name: 'waiting', retryAt: clock.now() + 2400, slot: true });
    await clock.advance(2399);
    assert.equal(server.connections.length, 1);
    await clock.advance(1);
    assert.equal(socket.state.name, 'open');
  });

  test('counts the slot from bye, not from the close that follows', async () => {
    const { server, socket, clock, command } = await openScene();
    server.connection.send({ type: 'bye', reason: 'restart', retry_after: 2.4 });
    await clock.advance(1000);
    await assert.rejects(command('ping'), { code: 'not_connected' });
    server.connection.cut(1012);
    await settle();
    assert.deepEqual(socket.state, { name: 'waiting', retryAt: clock.now() + 1400, slot: true });
  });

  test('leaves a server that says bye and does not close', async () => {
    const { server, socket, clock } = await openScene();
    server.connection.send({ type: 'bye', reason: 'restart', retry_after: 30 });
    await clock.advance(BYE_TIMEOUT_MS);
    assert.deepEqual(socket.state, { name: 'waiting', retryAt: clock.now() + 25_000, slot: true });
  });

  test('is kept away by no bye for longer than the limit', async () => {
    const { server, socket, clock } = await openScene();
    server.connection.bye(1013, 'overloaded', 1e12);
    await settle();
    assert.deepEqual(socket.state, {
      name: 'waiting',
      retryAt: clock.now() + MAX_SLOT_MS,
      slot: true,
    });
  });

  test('gives up an attempt that hangs', async () => {
    const { server, socket, clock } = socketScene();
    server.mute = true;
    socket.start();
    await clock.advance(CONNECT_TIMEOUT_MS);
    assert.equal(socket.state.name, 'waiting');
    server.mute = false;
    await clock.advance(500);
    assert.equal(socket.state.name, 'open');
  });
});

describe('a page that wakes up', () => {
  test('reconnects at once instead of waiting', async () => {
    const { server, socket } = socketScene();
    server.reachable = false;
    socket.start();
    await settle();
    server.reachable = true;
    socket.wake();
    await settle();
    assert.equal(socket.state.name, 'open');
  });

  test('finds out quickly that its connection died in its sleep', async () => {
    const { server, socket, clock } = await openScene();
    server.connection.die();
    clock.leap(7_200_000);
    socket.wake();
    await clock.advance(WAKE_TIMEOUT_MS);
    assert.equal(socket.state.name, 'waiting');
    await clock.advance(500);
    assert.equal(socket.state.name, 'open');
  });

  test('keeps a connection that lives', async () => {
    const { server, socket, clock } = await openScene();
    socket.wake();
    await clock.advance(WAKE_TIMEOUT_MS);
    assert.equal(socket.state.name, 'open');
    assert.equal(server.connections.length, 1);
  });

  test('keeps to the slot that a restarting server gave it, unless the person insists', async () => {
    const { server, socket } = await openScene();
    server.connection.bye(1012, 'restart', 60);
    await settle();
    socket.wake();
    assert.equal(socket.state.name, 'waiting');
    socket.retryNow();
    await settle();
    assert.equal(socket.state.name, 'open');
  });

  test('does not wait for a slot that is over', async () => {
    const { server, socket, clock } = await openScene();
    server.connection.bye(1012, 'restart', 60);
    await settle();
    clock.leap(61_000);
    socket.wake();
    await settle();
    assert.equal(socket.state.name, 'open');
  });

  test('starts an attempt anew that hung in the network it had before', async () => {
    const { server, socket, clock } = socketScene();
    server.mute = true;
    socket.start();
    socket.wake();
    assert.equal(server.connections.length, 1);
    clock.leap(WAKE_TIMEOUT_MS);
    server.mute = false;
    socket.wake();
    await settle();
    assert.equal(server.connections.length, 2);
    assert.equal(socket.state.name, 'open');
  });

  test('closes when it falls asleep, and waits without a timer', async () => {
    const { server, socket, clock, command } = await openScene();
    server.ignored.add('message.post');
    const asked = assert.rejects(command('message.post'), { code: 'no_reply' });
    socket.sleep();
    await asked;
    assert.equal(socket.state.name, 'offline');
    assert.equal(clock.pending, 0);
    await clock.advance(3_600_000);
    assert.equal(server.connections.length, 1);
    socket.wake();
    await settle();
    assert.equal(socket.state.name, 'open');
  });

  test('does nothing before it was started', async () => {
    const { server, socket } = socketScene();
    socket.wake();
    socket.sleep();
    socket.retryNow();
    assert.equal(socket.state.name, 'idle');
    assert.equal(server.connections.length, 0);
  });
});
