import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HEARTBEAT_TIMEOUT_MS } from '../../../realtime/static/realtime/connection/heartbeat.js';
import {
  COMMAND_TIMEOUT_MS,
  MAX_COMMAND_BYTES,
  MAX_WAITING_COMMANDS,
} from '../../../realtime/static/realtime/connection/replies.js';
import { Socket, WAKE_TIMEOUT_MS } from '../../../realtime/static/realtime/connection/socket.js';
import { settle } from '../support/clock.js';
import { socketScene } from '../support/scene.js';

async function openScene() {
  const scene = socketScene();
  scene.socket.start();
  await settle();
  assert.equal(scene.socket.state.name, 'open');
  return scene;
}

describe('a connection', () => {
  test('opens with the subprotocol and says hello once', async () => {
    const { server, states, hellos } = await openScene();
    assert.deepEqual(server.connection.protocols, ['holdfast.v1']);
    assert.deepEqual(
      states.map((state) => state.name),
      ['connecting', 'open'],
    );
    assert.equal(hellos.length, 1);
    assert.equal(hellos[0].user.username, 'alice');
  });

  test('offers a bearer token as a second subprotocol', async () => {
    const { server, clock } = socketScene();
    const handlers = { hello() {}, object() {}, state() {} };
    new Socket({
      url: 'ws://fake/',
      handlers,
      token: 'secret',
      create: server.open,
      clock,
    }).start();
    assert.deepEqual(server.connection.protocols, ['holdfast.v1', 'bearer.secret']);
  });

  test('hands on objects in order, also of an array', async () => {
    const { server, objects } = await openScene();
    server.connection.send({ type: 'event', n: 1 }, { type: 'signal', n: 2 });
    server.connection.send({ type: 'page', n: 3 });
    await settle();
    assert.deepEqual(
      objects.map((object) => object.n),
      [1, 2, 3],
    );
  });

  test('ignores a type from a later version of the protocol', async () => {
    const { server, socket, problems } = await openScene();
    server.connection.send({ type: 'confetti' });
    await settle();
    assert.equal(socket.state.name, 'open');
    assert.deepEqual(problems, []);
  });

  for (const [what, text] of [
    ['no JSON', 'oops'],
    ['a bare number', '7'],
    ['null', 'null'],
    ['an object without a type', '{}'],
    ['an array with rubbish', '[{"type":"event"},3]'],
  ]) {
    test(`is left, and made again, when the server sends ${what}`, async () => {
      const { server, socket, problems, clock } = await openScene();
      server.connection.sendText(text);
      await settle();
      assert.equal(socket.state.name, 'waiting');
      assert.equal(problems.length, 1);
      await clock.advance(500);
      assert.equal(socket.state.name, 'open');
    });
  }

  test('is left when the server sends bytes', async () => {
    const { server, socket } = await openScene();
    server.connection.socket.onmessage?.({ data: new ArrayBuffer(2) });
    assert.equal(socket.state.name, 'waiting');
  });

  test('is left when its hello names nobody', async () => {
    const { server, socket, clock } = socketScene();
    server.mute = true;
    socket.start();
    server.connection.send({ type: 'hello', epoch: 'e-1' });
    await settle();
    assert.equal(socket.state.name, 'waiting');
    socket.stop();
    assert.equal(clock.pending, 0);
  });

  test('survives a handler that throws', async () => {
    const { server, clock } = socketScene();
    /** @type {string[]} */
    const seen = [];
    /** @type {string[]} */
    const problems = [];
    const object = (/** @type {any} */ { type }) => {
      seen.push(type);
      throw new Error('a bug');
    };
    const report = (/** @type {unknown} */ _, /** @type {string} */ where) =>
      void problems.push(where);
    const socket = new Socket({
      url: 'ws://fake/',
      handlers: { hello() {}, object, state() {} },
      create: server.open,
      clock,
      report,
    });
    socket.start();
    await settle();
    server.connection.send({ type: 'event' }, { type: 'page' });
    await settle();
    assert.deepEqual(seen, ['event', 'page']);
    assert.deepEqual(problems, ['handling "event"', 'handling "page"']);
    assert.equal(socket.state.name, 'open');
  });

  test('handles nothing more once a handler stopped it', async () => {
    const { server, clock } = socketScene();
    /** @type {number[]} */
    const seen = [];
    const object = (/** @type {any} */ { n }) => {
      seen.push(n);
      socket.stop();
    };
    const socket = new Socket({
      url: 'ws://fake/',
      handlers: { hello() {}, object, state() {} },
      create: server.open,
      clock,
    });
    socket.start();
    await settle();
    server.connection.send({ type: 'event', n: 1 }, { type: 'event', n: 2 });
    await settle();
    assert.deepEqual(seen, [1]);
  });

  test('that cannot even be made is tried again', async () => {
    const { server, clock } = socketScene();
    let attempts = 0;
    const create = (/** @type {string} */ url, /** @type {string[]} */ protocols) => {
      attempts += 1;
      if (attempts === 1) throw new Error('blocked by policy');
      return server.open(url, protocols);
    };
    const socket = new Socket({
      url: 'ws://fake/',
      handlers: { hello() {}, object() {}, state() {} },
      create,
      clock,
      report() {},
    });
    socket.start();
    assert.equal(socket.state.name, 'waiting');
    await clock.advance(500);
    assert.equal(socket.state.name, 'open');
  });

  test('leaves no timer behind when it is stopped', async () => {
    const { socket, clock, command } = await openScene();
    const asked = assert.rejects(command('room.read'), { code: 'no_reply' });
    socket.stop();
    await asked;
    assert.equal(socket.state.name, 'idle');
    assert.equal(clock.pending, 0);
  });
});

describe('commands', () => {
  test('resolve with the data of their reply', async () => {
    const { command } = await openScene();
    assert.deepEqual(await command('ping'), { time: 'now' });
  });

  test('reject with the error of the server', async () => {
    const { server, command } = await openScene();
    server.refuseNext('message.post', { code: 'slow_mode', message: 'Wait 4 s.', retry_after: 4 });
    await assert.rejects(command('message.post', { room: 1 }), {
      code: 'slow_mode',
      message: 'Wait 4 s.',
      retryAfter: 4,
    });
  });

  test('are matched by their ids, in any order of the replies', async () => {
    const { command, server } = await openScene();
    server.ignored = new Set(['a', 'b']);
    const asked = Promise.all([command('a'), command('b')]);
    await settle();
    const [a, b] = server.received;
    server.connection.send(
      { type: 'reply', id: b.id, ok: true, data: 'B' },
      { type: 'reply', id: 999, ok: true, data: '?' },
      { type: 'reply', id: a.id, ok: true, data: 'A' },
    );
    assert.deepEqual(await asked, ['A', 'B']);
  });

  test('are refused at once without a connection', async () => {
    const { command } = socketScene();
    await assert.rejects(command('ping'), { code: 'not_connected' });
  });

  test('end without a reply when the connection ends', async () => {
    const { server, command } = await openScene();
    server.ignored.add('message.post');
    const asked = assert.rejects(command('message.post'), { code: 'no_reply' });
    await settle();
    server.connection.cut(1006);
    await asked;
  });

  test('are given up in time, and the silence is looked into', async () => {
    const { socket, server, clock, command } = await openScene();
    server.ignored.add('message.post');
    const asked = assert.rejects(command('message.post'), { code: 'timed_out' });
    await clock.advance(COMMAND_TIMEOUT_MS);
    await asked;
    await settle();
    assert.equal(server.commands('ping').length, 1);
    await clock.advance(WAKE_TIMEOUT_MS);
    assert.equal(socket.state.name, 'open'); // slow, but alive: the late reply is ignored
    server.connection.send({ type: 'reply', id: server.received[0].id, ok: true, data: {} });
    await settle();
  });

  test('are bounded in number', async () => {
    const { socket, server, command } = await openScene();
    server.ignored.add('x');
    const asked = Array.from({ length: MAX_WAITING_COMMANDS }, () =>
      assert.rejects(command('x'), { code: 'no_reply' }),
    );
    await assert.rejects(command('x'), { code: 'too_many' });
    socket.stop();
    await Promise.all(asked);
  });

  test('are bounded in size, counted in bytes', async () => {
    const { server, command } = await openScene();
    await assert.rejects(command('x', { body: 'é'.repeat(MAX_COMMAND_BYTES / 2) }), {
      code: 'too_big',
    });
    assert.equal(server.received.length, 0);
    await command('x', { body: 'e'.repeat(MAX_COMMAND_BYTES - 100) });
  });

  test('the largest one is blamed when the server closes over its size', async () => {
    const { socket, server, command } = await openScene();
    server.ignored = new Set(['x']);
    const small = assert.rejects(command('x', { body: 'small' }), { code: 'no_reply' });
    const large = assert.rejects(command('x', { body: 'large'.repeat(100) }), { code: 'too_big' });
    await settle();
    server.connection.cut(1009);
    await Promise.all([small, large]);
    assert.equal(socket.state.name, 'waiting');
  });
});

describe('a silent connection', () => {
  test('is pinged after ping_after, but not before', async () => {
    const { server, clock } = await openScene();
    await clock.advance(24_999);
    assert.equal(server.commands('ping').length, 0);
    await clock.advance(1);
    assert.equal(server.commands('ping').length, 1);
  });

  test('is not pinged while there is something to hear', async () => {
    const { server, clock } = await openScene();
    for (let i = 0; i < 10; i += 1) {
      await clock.advance(20_000);
      server.connection.send({ type: 'signal' });
    }
    await settle();
    assert.equal(server.commands('ping').length, 0);
  });

  test('is given up when nothing answers the ping, and made again', async () => {
    const { server, socket, clock } = await openScene();
    server.connection.die();
    await clock.advance(25_000 + HEARTBEAT_TIMEOUT_MS);
    assert.equal(socket.state.name, 'waiting');
    await clock.advance(500);
    assert.equal(socket.state.name, 'open');
    assert.equal(server.connections.length, 2);
  });

  test('lives on for a day of pings', async () => {
    const { server, socket, clock } = await openScene();
    await clock.advance(86_400_000);
    assert.equal(socket.state.name, 'open');
    assert.equal(server.connections.length, 1);
  });
});
