import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  MAX_ENTRIES,
  MAX_QUEUES_IN_FLIGHT,
} from '../../../realtime/static/realtime/outbox/outbox.js';

import { settle } from '../support/clock.js';
import { accepting, browser, line, refusal, shown, tab, write } from '../support/outbox.js';
import { clientScene } from '../support/scene.js';
import { FakeLocks } from '../support/tabs.js';

describe('what was written', () => {
  test('is sent with its key, and gone with the ok', async () => {
    const shared = browser();
    const outbox = await tab(shared);
    const { send, sent, waiting } = line();
    outbox.resume(send);
    const entry = write(outbox, 'hello');
    assert.deepEqual(shown(outbox), ['hello queued']);
    await settle();
    assert.deepEqual(shown(outbox), ['hello sending']);
    assert.deepEqual(sent, [{ room: 1, body: 'hello', key: entry.key }]);
    assert.match(
      entry.key,
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    waiting[0].done({ message: { id: 5 } });
    await settle();
    assert.equal(entry.state, 'sent');
    assert.deepEqual(entry.result, { message: { id: 5 } });
    assert.deepEqual(outbox.entries, []);
    assert.equal(shared.disk.rows.size, 0);
  });

  test('is gone as well when the server keeps it for a review, and the next one is sent', async () => {
    const outbox = await tab(browser());
    const { send, bodies, waiting } = line();
    outbox.resume(send);
    const entry = write(outbox, 'a1');
    write(outbox, 'a2');
    await settle();
    waiting[0].failed(refusal('held'));
    await settle();
    assert.equal(entry.state, 'sent');
    assert.equal(entry.result, null);
    assert.deepEqual(bodies(), ['a1', 'a2']);
    outbox.repeat();
    await settle();
    assert.deepEqual(shown(outbox), ['a1 queued', 'a2 sending']);
  });

  test('is stored before it is sent', async () => {
    const shared = browser();
    const outbox = await tab(shared);
    let storedFirst = false;
    outbox.resume(async () => {
      storedFirst = shared.disk.rows.size === 1;
    });
    write(outbox, 'hello');
    await settle();
    assert.ok(storedFirst);
  });

  test('goes one after the other in a room, and rooms do not wait for each other', async () => {
    const outbox = await tab(browser());
    const { send, bodies, waiting } = line();
    outbox.resume(send);
    write(outbox, 'a1', 1);
    write(outbox, 'a2', 1);
    write(outbox, 'b1', 2);
    await settle();
    assert.deepEqual(bodies(), ['a1', 'b1']);
    waiting[0].done();
    await settle();
    assert.deepEqual(bodies(), ['a1', 'b1', 'a2']);
  });

  test('to very many rooms goes a few at a time', async () => {
    const outbox = await tab(browser());
    const { send, sent, waiting } = line();
    for (let room = 1; room <= 30; room += 1) write(outbox, 'hello', room);
    outbox.resume(send);
    await settle();
    assert.equal(sent.length, MAX_QUEUES_IN_FLIGHT);
    for (let index = 0; index < 30; index += 1) {
      waiting[index].done();
      await settle();
    }
    assert.equal(sent.length, 30);
    assert.deepEqual(outbox.entries, []);
  });

  test('offline waits for the connection', async () => {
    const outbox = await tab(browser());
    write(outbox, 'one');
    write(outbox, 'two');
    await settle();
    assert.deepEqual(shown(outbox), ['one queued', 'two queued']);
    /** @type {any[]} */
    const sent = [];
    outbox.resume(accepting(sent));
    await settle();
    assert.deepEqual(
      sent.map(({ body }) => body),
      ['one', 'two'],
    );
  });

  test('before a reload is sent after it, in order', async () => {
    const shared = browser();
    const before = await tab(shared);
    for (const body of ['one', 'two', 'three']) write(before, body);
    await settle();
    before.close();
    const after = await tab(shared);
    assert.deepEqual(shown(after), ['one queued', 'two queued', 'three queued']);
    /** @type {any[]} */
    const sent = [];
    after.resume(accepting(sent));
    await settle();
    assert.deepEqual(
      sent.map(({ body }) => body),
      ['one', 'two', 'three'],
    );
  });

  test('is sent again with the same key after a reload in the middle of it', async () => {
    const shared = browser();
    const before = await tab(shared);
    const first = line();
    before.resume(first.send);
    write(before, 'hello');
    await settle();
    const after = await tab({ ...shared, locks: new FakeLocks() }); // the tab's lock dies with it
    const second = line();
    after.resume(second.send);
    await settle();
    assert.deepEqual(second.sent, first.sent);
  });

  test('whose answer comes while the page goes makes no fuss', async () => {
    const shared = browser();
    const outbox = await tab(shared);
    const { send, waiting } = line();
    outbox.resume(send);
    write(outbox, 'hello');
    await settle();
    outbox.close();
    waiting[0].done();
    await settle();
    // it could not be removed any more: the next page repeats its key
    assert.deepEqual(shared.problems.length, 1);
  });

  test('of another user of this browser is not sent', async () => {
    const shared = browser();
    const alice = await tab(shared);
    write(alice, 'from Alice');
    await settle();
    const bob = await tab(shared, { owner: 8 });
    assert.deepEqual(bob.entries, []);
    const { send, sent } = line();
    bob.resume(send);
    await settle();
    assert.deepEqual(sent, []);
  });

  test('is bounded', async () => {
    const outbox = await tab(browser());
    for (let i = 0; i < MAX_ENTRIES; i += 1) write(outbox, 'hello');
    assert.throws(() => write(outbox, 'one more'), { code: 'too_many' });
  });

  test('is announced in every state', async () => {
    const outbox = await tab(browser());
    /** @type {string[]} */
    const states = [];
    const off = outbox.on('change', ({ state }) => void states.push(state));
    outbox.resume(async () => {});
    write(outbox, 'hello');
    await settle();
    assert.deepEqual(states, ['queued', 'sending', 'sent']);
    off();
    write(outbox, 'hello');
    assert.equal(states.length, 3);
  });
});

describe('without an ok', () => {
  for (const code of ['no_reply', 'not_connected', 'timed_out', 'unreadable']) {
    test(`${code}: the same key is sent again`, async () => {
      const shared = browser();
      const outbox = await tab(shared);
      const { send, sent, waiting } = line();
      outbox.resume(send);
      write(outbox, 'one');
      write(outbox, 'two');
      await settle();
      waiting[0].failed(refusal(code));
      await settle();
      assert.deepEqual(shown(outbox), ['one queued', 'two queued']);
      await shared.clock.advance(250);
      assert.equal(sent.length, 2);
      assert.deepEqual(sent[0], sent[1]);
    });
  }

  test('a lost connection: everything is sent again when it is back', async () => {
    const shared = browser();
    const outbox = await tab(shared);
    const { send, sent, waiting } = line();
    outbox.resume(send);
    write(outbox, 'hello');
    await settle();
    outbox.pause();
    waiting[0].failed(refusal('no_reply'));
    await shared.clock.advance(60_000);
    assert.equal(sent.length, 1);
    outbox.resume(send);
    await settle();
    assert.equal(sent.length, 2);
  });

  test('a connection that comes back in the same moment is not missed', async () => {
    const shared = browser();
    const outbox = await tab(shared);
    const { send, sent, waiting } = line();
    outbox.resume(send);
    write(outbox, 'hello');
    await settle();
    waiting[0].failed(refusal('no_reply'));
    outbox.pause();
    outbox.resume(send);
    await shared.clock.advance(500);
    assert.equal(sent.length, 2);
  });

  for (const code of ['rate_limited', 'unavailable']) {
    test(`${code}: everything waits for the server's retry_after, with the reason`, async () => {
      const shared = browser();
      const outbox = await tab(shared);
      const { send, bodies, waiting } = line();
      outbox.resume(send);
      write(outbox, 'one');
      await settle();
      waiting[0].failed(refusal(code, 3));
      await settle();
      write(outbox, 'elsewhere', 2);
      const [entry] = outbox.entries;
      assert.equal(entry.error?.code, code);
      assert.equal(entry.retryAt, shared.clock.now() + 3_000);
      await shared.clock.advance(2_999);
      assert.deepEqual(bodies(), ['one']);
      await shared.clock.advance(1);
      assert.deepEqual(bodies(), ['one', 'one', 'elsewhere']);
      assert.equal(entry.error, null);
    });
  }

  test('slow mode: the room waits, others go on', async () => {
    const shared = browser();
    const outbox = await tab(shared);
    const { send, bodies, waiting } = line();
    outbox.resume(send);
    write(outbox, 'one');
    write(outbox, 'two');
    await settle();
    waiting[0].failed(refusal('slow_mode', 4));
    await settle();
    write(outbox, 'elsewhere', 2);
    await settle();
    assert.deepEqual(bodies(), ['one', 'elsewhere']);
    waiting[1].done();
    await shared.clock.advance(4_000);
    assert.deepEqual(bodies(), ['one', 'elsewhere', 'one']);
    waiting[2].done();
    await settle();
    assert.equal(bodies()[3], 'two');
  });

  for (const code of [
    'muted',
    'blocked_word',
    'read_only',
    'too_long',
    'empty',
    'forbidden',
    'not_found',
    'bad_request',
    'too_big',
    'a_code_of_tomorrow',
  ]) {
    test(`${code}: it failed, and the next one goes on`, async () => {
      const outbox = await tab(browser());
      const { send, bodies, waiting } = line();
      outbox.resume(send);
      write(outbox, 'one');
      write(outbox, 'two');
      await settle();
      waiting[0].failed(refusal(code, 60));
      await settle();
      assert.deepEqual(shown(outbox), ['one failed', 'two sending']);
      assert.deepEqual(outbox.entries[0].error, {
        code,
        message: `refused: ${code}`,
        retryAfter: 60,
      });
      assert.deepEqual(bodies(), ['one', 'two']);
    });
  }
});

describe('what failed', () => {
  /** @param {ReturnType<typeof browser>} shared */
  async function failedScene(shared = browser()) {
    const outbox = await tab(shared);
    const { send, sent, waiting } = line();
    outbox.resume(send);
    const entry = write(outbox, 'hello');
    await settle();
    waiting[0].failed(refusal('muted'));
    await settle();
    return { shared, outbox, entry, sent };
  }

  test('is still failed after a reload, with its reason', async () => {
    const { shared } = await failedScene();
    const outbox = await tab(shared);
    assert.deepEqual(shown(outbox), ['hello failed']);
    assert.equal(outbox.entries[0].error?.code, 'muted');
  });

  test('can be tried again, with the same key', async () => {
    const { outbox, entry, sent } = await failedScene();
    outbox.retry(entry.key);
    await settle();
    assert.equal(sent.length, 2);
    assert.equal(sent[1].key, entry.key);
    outbox.retry('no such key');
  });

  test('can be discarded', async () => {
    const { shared, outbox, entry } = await failedScene();
    assert.ok(outbox.discard(entry.key));
    await settle();
    assert.equal(entry.state, 'discarded');
    assert.deepEqual(outbox.entries, []);
    assert.equal(shared.disk.rows.size, 0);
    assert.ok(!outbox.discard(entry.key));
  });

  test('and what is queued can be cleared; what is under way cannot', async () => {
    const outbox = await tab(browser());
    const { send } = line();
    outbox.resume(send);
    write(outbox, 'under way');
    write(outbox, 'queued');
    await settle();
    outbox.clear();
    assert.deepEqual(shown(outbox), ['under way sending']);
  });

  test('is discarded even in the moment before it is stored', async () => {
    const shared = browser();
    const outbox = await tab(shared);
    outbox.discard(write(outbox, 'never mind').key);
    await settle();
    assert.equal(shared.disk.rows.size, 0);
  });
});

describe('on a connection', () => {
  test('posts go out after the streams are asked for, and are not doubled by a cut', async () => {
    const shared = browser();
    const outbox = await tab(shared);
    const { client, server } = clientScene({ outbox }, undefined, shared.clock);
    client.subscribe('room.1', { position: 0, apply() {} });
    write(outbox, 'one');
    write(outbox, 'two');
    server.manual = true;
    client.start();
    await settle();
    server.connection.moveToClient(); // hello
    await settle();
    assert.deepEqual(
      server.connection.toServer.map((text) => JSON.parse(text).command),
      ['subscribe', 'message.post'],
    );
    server.connection.moveToServer();
    server.connection.moveToServer();
    server.connection.cut(1006); // committed, but the answer is lost
    server.manual = false;
    await shared.clock.advance(1_000);
    assert.deepEqual(server.bodies('room.1'), ['one', 'two']);
    assert.deepEqual(outbox.entries, []);
  });

  test('a message that the server finds too big does not close every connection to come', async () => {
    const shared = browser();
    const outbox = await tab(shared);
    const { client, server } = clientScene({ outbox }, undefined, shared.clock);
    client.start();
    await settle();
    server.ignored.add('message.post');
    write(outbox, 'a large one');
    await settle();
    server.connection.cut(1009);
    server.ignored.clear();
    await shared.clock.advance(1_000);
    assert.deepEqual(shown(outbox), ['a large one failed']);
    assert.equal(client.state.name, 'open');
  });
});
