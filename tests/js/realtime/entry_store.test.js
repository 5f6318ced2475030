import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { uuid } from '../../../realtime/static/realtime/lib/uuid.js';
import { EntryStore } from '../../../realtime/static/realtime/outbox/entry_store.js';
import { FakeIndexedDB } from '../support/indexeddb.js';
import { reports } from '../support/scene.js';

const entry = (/** @type {string} */ key, owner = 7) => ({ key, owner, body: `of ${key}` });

for (const [kind, durable] of /** @type {const} */ ([
  ['entries in IndexedDB', true],
  ['entries in memory', false],
])) {
  describe(kind, () => {
    const openOne = () =>
      new EntryStore({ indexedDB: durable ? new FakeIndexedDB().factory : null, ...reports() });

    test('say whether they survive a reload', async () => {
      const store = openOne();
      await store.all(7);
      assert.equal(store.durable, durable);
    });

    test('come back in the order in which they were added, each owner their own', async () => {
      const store = openOne();
      const orders = [
        await store.add(entry('a')),
        await store.add(entry('b', 8)),
        await store.add(entry('c')),
      ];
      assert.deepEqual(orders, [1, 2, 3]);
      assert.deepEqual(
        (await store.all(7)).map(({ key, order }) => `${key}${order}`),
        ['a1', 'c3'],
      );
    });

    test('can be taken away: those of one owner, or of everyone else', async () => {
      const store = openOne();
      for (const one of [entry('a'), entry('b', 8), entry('c', 9)]) await store.add(one);
      const keys = (/** @type {any[]} */ taken) => taken.map(({ key }) => key);
      assert.deepEqual(keys(await store.take(8, 'others')), ['a', 'c']);
      assert.deepEqual(await store.all(7), []);
      assert.deepEqual(keys(await store.take(8, 'own')), ['b']);
      assert.deepEqual(await store.all(8), []);
    });

    test('can be replaced and removed', async () => {
      const store = openOne();
      const order = await store.add(entry('a'));
      await store.put({ ...entry('a'), order, body: 'new' });
      assert.equal((await store.all(7))[0].body, 'new');
      await store.delete(order);
      assert.deepEqual(await store.all(7), []);
      store.close();
    });
  });
}

describe('a store that is not open yet', () => {
  test('runs its operations once it is open, in their order', async () => {
    const store = new EntryStore({ indexedDB: new FakeIndexedDB().factory, ...reports() });
    const added = [store.add(entry('a')), store.add(entry('b'))];
    const found = store.all(7);
    await store.delete(2);
    assert.deepEqual(await Promise.all(added), [1, 2]);
    assert.deepEqual(
      (await found).map(({ key }) => key),
      ['a', 'b'],
    );
    assert.ok(store.durable);
    store.close();
    await assert.rejects(store.all(7), /closed/);
  });
});

describe('a browser that does not store', () => {
  test('because it is not allowed to', async () => {
    const disk = new FakeIndexedDB();
    disk.denied = true;
    const { all: problems, report } = reports();
    const store = new EntryStore({ indexedDB: disk.factory, report });
    assert.equal(await store.add(entry('a')), 1);
    assert.ok(!store.durable);
    assert.equal(problems.length, 1);
  });

  test('because it never answers', async () => {
    const disk = new FakeIndexedDB();
    disk.silent = true;
    const { all: problems, report } = reports();
    const store = new EntryStore({ indexedDB: disk.factory, report, timeoutMs: 1 });
    assert.equal(await store.add(entry('a')), 1);
    assert.ok(!store.durable);
    assert.equal(problems.length, 1);
  });

  test('because another tab closed the database', async () => {
    const store = new EntryStore({ indexedDB: new FakeIndexedDB().factory, ...reports() });
    store.close();
    await assert.rejects(store.add(entry('a')), /closed/);
  });
});

describe('keys', () => {
  test('are UUIDs, also where crypto.randomUUID is missing', () => {
    const random = globalThis.crypto.randomUUID;
    const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    assert.match(uuid(), pattern);
    try {
      Object.defineProperty(globalThis.crypto, 'randomUUID', {
        value: undefined,
        configurable: true,
        writable: true,
      });
      assert.match(uuid(), pattern);
      assert.notEqual(uuid(), uuid());
    } finally {
      Object.defineProperty(globalThis.crypto, 'randomUUID', {
        value: random,
        configurable: true,
        writable: true,
      });
    }
  });
});
