import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { MAX_STREAMS } from '../../../realtime/static/realtime/client.js';
import { MAX_PULLS } from '../../../realtime/static/realtime/streams/pulls.js';
import { settle } from '../support/clock.js';
import { clientScene, copyOf } from '../support/scene.js';

/** Alice's page shows room 1, whose three messages came with the page. */
async function roomScene() {
  const scene = clientScene();
  const { server, client } = scene;
  for (const body of ['one', 'two', 'three']) server.post('room.1', body);
  const copy = copyOf(server, 'room.1');
  copy.replace(server.snapshot('room.1'));
  client.subscribe('room.1', { ...copy, position: 3 });
  client.start();
  await settle();
  assert.equal(client.stream('room.1')?.state, 'level');
  return { ...scene, copy };
}

describe('following streams', () => {
  test('what happens arrives by itself', async () => {
    const { server, copy } = await roomScene();
    server.post('room.1', 'four');
    await settle();
    assert.deepEqual(copy.bodies(), ['one', 'two', 'three', 'four']);
  });

  test('one command subscribes all streams, each after its position', async () => {
    const { client, server } = clientScene();
    for (let room = 1; room <= 50; room += 1)
      client.subscribe(`room.${room}`, { position: 0, apply() {} });
    client.subscribe('announcements', { apply() {} });
    client.start();
    await settle();
    const [subscribe, ...others] = server.commands('subscribe');
    assert.equal(others.length, 0);
    assert.equal(Object.keys(subscribe.streams).length, 51);
    assert.equal(subscribe.streams['room.1'], 0);
    assert.equal(subscribe.streams.announcements, null);
  });

  test('a return takes one command as well, and brings what was missed', async () => {
    const { client, server, copy, clock } = await roomScene();
    const other = copyOf(server, 'room.2');
    client.subscribe('room.2', other);
    await settle();
    server.connection.cut(1006);
    await settle();
    assert.equal(client.stream('room.1')?.state, 'away');
    server.post('room.1', 'four');
    server.post('room.2', 'elsewhere');
    server.received = [];
    await clock.advance(500);
    assert.deepEqual(
      server.commands('subscribe').map((command) => command.streams),
      [{ 'room.1': 3, 'room.2': 0 }],
    );
    assert.deepEqual(copy.bodies(), ['one', 'two', 'three', 'four']);
    assert.deepEqual(other.bodies(), ['elsewhere']);
    assert.equal(copy.loads, 0);
  });

  test('what does not fit into the answer is pulled', async () => {
    const { client, server } = clientScene();
    const copies = [1, 2, 3, 4].map((room) => copyOf(server, `room.${room}`));
    for (const [index, copy] of copies.entries()) {
      client.subscribe(`room.${index + 1}`, { position: 0, apply: copy.apply });
    }
    for (let i = 0; i < 20; i += 1) server.post(`room.${1 + (i % 4)}`, `message ${i}`);
    client.start();
    await settle();
    assert.ok(copies.every((copy) => copy.rows.size === 5));
    assert.ok(server.commands('pull').length >= 4);
  });

  test('only a few pulls are under way, and the room that is looked at goes first', async () => {
    const { client, server } = clientScene();
    server.replySize = 0;
    for (let room = 1; room <= 20; room += 1) {
      server.post(`room.${room}`, 'hello');
      client.subscribe(`room.${room}`, { position: 0, apply() {} });
    }
    server.ignored.add('pull');
    client.prefer('room.17');
    client.start();
    await settle();
    assert.equal(server.commands('pull').length, MAX_PULLS);
    const [first] = server.commands('pull');
    server.connection.send({
      type: 'reply',
      id: first.id,
      ok: true,
      data: server.page('room.1', 0),
    });
    await settle();
    assert.equal(server.commands('pull')[MAX_PULLS].stream, 'room.17');
  });

  test('pulls pause when the server says so', async () => {
    const { client, server, clock } = clientScene();
    server.replySize = 0;
    for (let room = 1; room <= 3; room += 1) {
      server.post(`room.${room}`, 'hello');
      client.subscribe(`room.${room}`, { position: 0, apply() {} });
    }
    server.refuseNext(
      'pull',
      ...Array(3).fill({ code: 'rate_limited', message: 'slower', retry_after: 2 }),
    );
    client.start();
    await clock.advance(1_999);
    assert.equal(server.commands('pull').length, 3);
    await clock.advance(1);
    assert.equal(server.commands('pull').length, 6);
    assert.equal(client.stream('room.3')?.state, 'level');
  });

  test('an event in the same message as the answer before it is not missed', async () => {
    const { client, server, copy, clock } = await roomScene();
    server.connection.cut(1006);
    server.manual = true;
    await clock.advance(500);
    server.connection.moveToClient();
    server.connection.moveToServer();
    server.post('room.1', 'four');
    server.connection.joinFrames();
    server.connection.moveToClient();
    assert.deepEqual(copy.bodies(), ['one', 'two', 'three', 'four']);
    assert.equal(server.commands('pull').length, 0);
    assert.equal(client.stream('room.1')?.position, 4);
  });

  test('a stream that is subscribed later joins, one that is left stays quiet', async () => {
    const { client, server, copy } = await roomScene();
    const other = copyOf(server, 'room.2');
    client.subscribe('room.2', other);
    client.unsubscribe('room.1');
    await settle();
    server.post('room.1', 'unheard');
    server.post('room.2', 'received');
    await settle();
    assert.deepEqual(copy.bodies(), ['one', 'two', 'three']);
    assert.deepEqual(other.bodies(), ['received']);
    assert.ok(!server.connection.subscriptions.has('room.1'));
  });

  test('leaving and coming back in one breath ends subscribed', async () => {
    const { client, server } = await roomScene();
    const copy = copyOf(server, 'room.1');
    client.unsubscribe('room.1');
    client.subscribe('room.1', copy);
    await settle();
    server.post('room.1', 'four');
    await settle();
    assert.deepEqual(copy.bodies(), ['one', 'two', 'three', 'four']);
  });

  test('subscribing again replaces the first', async () => {
    const { client, server, copy } = await roomScene();
    const fresh = copyOf(server, 'room.1');
    client.subscribe('room.1', fresh);
    await settle();
    server.post('room.1', 'four');
    await settle();
    assert.deepEqual(copy.applied, []);
    assert.deepEqual(fresh.bodies(), ['one', 'two', 'three', 'four']);
  });

  test('a page may leave a stream in its own handler', async () => {
    const { client, server, clock, problems } = clientScene();
    for (let i = 0; i < 9; i += 1) server.post('room.1', 'hello');
    let told = 0;
    const leave = () => {
      told += 1;
      client.unsubscribe('room.1');
    };
    client.subscribe('room.1', { position: 0, apply: leave });
    client.start();
    await clock.advance(60_000);
    assert.equal(told, 1);
    const left = client.subscribe('room.1', {
      load: async () => ({ seq: 9 }),
      replace: leave,
      apply() {},
    });
    await clock.advance(60_000);
    assert.equal(left.state, 'closed');
    assert.equal(server.commands('pull').length, 0);
    assert.deepEqual(problems, []);
  });

  test('a snapshot is loaded even while there is no connection', async () => {
    const { client, server } = clientScene();
    server.post('room.1', 'one');
    const copy = copyOf(server, 'room.1');
    client.subscribe('room.1', copy);
    await settle();
    assert.deepEqual(copy.bodies(), ['one']);
    client.start();
    await settle();
    assert.equal(client.stream('room.1')?.state, 'level');
  });

  test('there is a limit, as on the server', () => {
    const { client } = clientScene();
    for (let room = 1; room <= MAX_STREAMS; room += 1)
      client.subscribe(`room.${room}`, { position: 0, apply() {} });
    assert.throws(() => client.subscribe('room.0', { apply() {} }), { code: 'too_many' });
    client.subscribe('room.1', { position: 0, apply() {} });
  });

  test('a refused subscribe comes back as one command', async () => {
    const { client, server, clock } = clientScene();
    for (let room = 1; room <= 30; room += 1)
      client.subscribe(`room.${room}`, { position: 0, apply() {} });
    server.refuseNext('subscribe', { code: 'rate_limited', message: 'slower', retry_after: 1 });
    client.start();
    await clock.advance(1_000);
    const subscribes = server.commands('subscribe');
    assert.equal(subscribes.length, 2);
    assert.equal(Object.keys(subscribes[1].streams).length, 30);
    assert.equal(client.stream('room.30')?.state, 'level');
  });
});

describe('what a server ends', () => {
  test('a stream: removed, but not subscribed again', async () => {
    const { client, server, copy, clock } = await roomScene();
    server.connection.end('room.1', 'removed');
    await settle();
    assert.deepEqual(copy.reasons, ['removed']);
    assert.equal(client.stream('room.1'), undefined);
    server.connection.cut(1006);
    await clock.advance(500);
    assert.equal(server.commands('subscribe').length, 1);
  });

  test('a stream that is not for us, while others go on', async () => {
    const { client, server, copy } = await roomScene();
    server.forbidden.set('room.2', 'not_found');
    const other = copyOf(server, 'room.2');
    client.subscribe('room.2', other);
    await settle();
    assert.deepEqual(other.reasons, ['not_found']);
    assert.deepEqual(copy.reasons, []);
  });

  test('the history below us: reset brings a snapshot', async () => {
    const { client, server, copy, clock } = await roomScene();
    server.connection.cut(1006);
    server.post('room.1', 'four');
    server.retain('room.1');
    await clock.advance(500);
    assert.equal(copy.loads, 1);
    assert.deepEqual(copy.bodies(), ['one', 'two', 'three', 'four']);
    assert.equal(client.stream('room.1')?.state, 'level');
  });

  test('an epoch: positions are dropped and snapshots loaded', async () => {
    const { client, server, copy, clock } = await roomScene();
    const backup = server.backup();
    server.post('room.1', 'lost with the disk');
    await settle();
    server.restore(backup);
    server.post('room.1', 'written after the restore');
    await clock.advance(500);
    assert.equal(client.epoch, 'e-2');
    assert.equal(copy.loads, 1);
    assert.deepEqual(copy.bodies(), ['one', 'two', 'three', 'written after the restore']);
  });

  test('an epoch in which a closed stream is there again', async () => {
    const { client, server, copy, clock } = await roomScene();
    const left = copyOf(server, 'room.2');
    client.subscribe('room.2', left);
    await settle();
    const backup = server.backup();
    server.forbidden.set('room.1', 'not_found');
    server.connection.cut(1006);
    await clock.advance(500);
    assert.deepEqual(copy.reasons, ['not_found']);
    server.connection.end('room.2', 'left');
    await settle();
    client.unsubscribe('room.2');
    server.forbidden.clear();
    server.restore(backup);
    server.post('room.1', 'written after the restore');
    await clock.advance(1000);
    assert.deepEqual(copy.bodies(), ['one', 'two', 'three', 'written after the restore']);
    assert.equal(client.stream('room.1')?.state, 'level');
    assert.equal(client.stream('room.2'), undefined);
  });

  test('an epoch while the page was being made', async () => {
    const { client, server } = clientScene({ epoch: 'e-0' });
    server.post('room.1', 'one');
    const copy = copyOf(server, 'room.1');
    client.subscribe('room.1', { ...copy, position: 900 });
    client.start();
    await settle();
    assert.equal(copy.loads, 1);
    assert.equal(client.stream('room.1')?.position, 1);
  });

  test('an HTTP answer of another epoch makes the client ask again, once', async () => {
    const { client, server, copy } = await roomScene();
    client.checkEpoch('e-1');
    assert.equal(server.connections.length, 1);
    client.checkEpoch('e-9');
    await settle();
    assert.equal(server.connections.length, 2);
    client.checkEpoch('e-9');
    await settle();
    assert.equal(server.connections.length, 2);
    assert.equal(copy.loads, 0);
    assert.equal(client.stream('room.1')?.state, 'level');
  });

  test('the subscription as level: behind is pulled', async () => {
    const { server, copy, client } = await roomScene();
    server.connection.fallBehind('room.1');
    for (let i = 4; i < 20; i += 1) server.post('room.1', `message ${i}`);
    await settle();
    assert.equal(copy.rows.size, 19);
    assert.equal(client.stream('room.1')?.state, 'level');
  });
});

describe('people and pages', () => {
  test('signals reach the page and the stream', async () => {
    const { client, server } = await roomScene();
    /** @type {string[]} */
    const heard = [];
    client.on('signal', ({ kind }) => heard.push(`page: ${kind}`));
    client.subscribe('room.2', {
      position: 0,
      apply() {},
      signal: ({ kind }) => void heard.push(`room: ${kind}`),
    });
    await settle();
    server.connection.send({ type: 'signal', stream: 'room.2', kind: 'typing', data: { user: 8 } });
    server.connection.send({ type: 'signal', stream: 'room.3', kind: 'typing', data: { user: 8 } });
    await settle();
    assert.deepEqual(heard, ['room: typing', 'page: typing']);
  });

  test('commands give their data back', async () => {
    const { client } = await roomScene();
    assert.deepEqual(await client.command('ping'), { time: 'now' });
  });

  test('a listener that throws hinders no other', async () => {
    const { client, server, problems } = clientScene();
    let hellos = 0;
    client.on('hello', () => assert.fail('a bug in the page'));
    const off = client.on('hello', () => {
      hellos += 1;
    });
    client.start();
    await settle();
    assert.equal(hellos, 1);
    assert.equal(problems.length, 1);
    off();
    server.connection.cut(1006);
    client.wake();
    await settle();
    assert.equal(hellos, 1);
  });

  test('when another user signed in, the page stops', async () => {
    const { client, server, states, clock } = await roomScene();
    assert.equal(client.user?.username, 'alice');
    server.user = { id: 8, username: 'bob', name: 'Bob' };
    server.received = [];
    server.connection.cut(1006);
    await clock.advance(500);
    assert.equal(client.state.name, 'stopped');
    assert.deepEqual(states[states.length - 1], {
      name: 'stopped',
      code: 4502,
      reason: 'another user signed in',
    });
    assert.deepEqual(server.received, []);
    client.wake();
    await clock.advance(60_000);
    assert.equal(server.connections.length, 2);
  });

  test('a page that was made for another user does not start', async () => {
    const { client } = clientScene({ user: 8 });
    client.start();
    await settle();
    assert.equal(client.state.name, 'stopped');
  });

  test('a page with only a bell needs two streams and no outbox', async () => {
    const { client, server } = clientScene({ path: '/ws/notifications/' });
    const inbox = copyOf(server, 'inbox.7');
    const announcements = copyOf(server, 'announcements');
    client.on('hello', ({ user }) => client.subscribe(`inbox.${user.id}`, inbox));
    client.subscribe('announcements', announcements);
    client.start();
    await settle();
    server.commit('inbox.7', 'notification', { id: 1, title: 'You were mentioned' });
    server.commit('announcements', 'announcement', { id: 1, title: 'Maintenance tonight' });
    await settle();
    assert.equal(inbox.rows.size, 1);
    assert.equal(announcements.rows.size, 1);
  });

  test('sleep and wake go through to the connection', async () => {
    const { client, clock, server, copy } = await roomScene();
    client.sleep();
    assert.equal(client.state.name, 'offline');
    server.post('room.1', 'four');
    client.wake();
    await settle();
    assert.deepEqual(copy.bodies(), ['one', 'two', 'three', 'four']);
    client.stop();
    assert.equal(client.state.name, 'idle');
    assert.equal(clock.pending, 0);
  });
});
