import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { uuid } from '../../../realtime/static/realtime/lib/uuid.js';
import { OpeningRows, openRows } from '../../../realtime/static/realtime/outbox/idb.js';
import { FakeIndexedDB } from '../support/indexeddb.js';
import { reports } from '../support/scene.js';

const row = (/** @type {string} */ key, owner = 7) => ({ key, owner, body: `of ${key}` });

for (const [kind, durable] of /** @type {const} */ ([
  ['durable rows', true],
  ['rows in memory', false],
])) {
  describe(kind, () => {
    const openOne = () =>
      openRows({ indexedDB: durable ? new FakeIndexedDB().factory : null, ...reports() });

    test('say whether they survive a reload', async () => {
      assert.equal((await openOne()).durable, durable);
    });

    test('come back in the order in which they were added, each owner their own', async () => {
      const rows = await openOne();
      const orders = [
        await rows.add(row('a')),
        await rows.add(row('b', 8)),
        await rows.add(row('c')),
      ];
      assert.deepEqual(orders, [1, 2, 3]);
      assert.deepEqual(
        (await rows.all(7)).map(({ key, order }) => `${key}${order}`),
        ['a1', 'c3'],
      );
    });

    test('can be replaced and removed', async () => {
      const rows = await openOne();
      const order = await rows.add(row('a'));
      await rows.put({ ...row('a'), order, body: 'new' });
      assert.equal((await rows.all(7))[0].body, 'new');
      await rows.delete(order);
      assert.deepEqual(await rows.all(7), []);
      rows.close();
    });
  });
}

describe('rows that are not open yet', () => {
  test('do what is asked of them once they are, in its order', async () => {
    const rows = new OpeningRows(
      openRows({ indexedDB: new FakeIndexedDB().factory, ...reports() }),
    );
    const added = [rows.add(row('a')), rows.add(row('b'))];
    const found = rows.all(7);
    await rows.delete(2);
    assert.deepEqual(await Promise.all(added), [1, 2]);
    assert.deepEqual(
      (await found).map(({ key }) => key),
      ['a', 'b'],
    );
    assert.ok(rows.durable);
    rows.close();
    await assert.rejects(rows.all(7), /closed/);
  });

  test('say so when nothing survives a reload', async () => {
    const rows = new OpeningRows(openRows({ indexedDB: null, ...reports() }));
    await rows.all(7);
    assert.ok(!rows.durable);
  });
});

describe('a browser that does not store', () => {
  test('because it is not allowed to', async () => {
    const disk = new FakeIndexedDB();
    disk.denied = true;
    const { all: problems, report } = reports();
    assert.ok(!(await openRows({ indexedDB: disk.factory, report })).durable);
    assert.equal(problems.length, 1);
  });

  test('because it never answers', async () => {
    const disk = new FakeIndexedDB();
    disk.silent = true;
    const { all: problems, report } = reports();
    assert.ok(!(await openRows({ indexedDB: disk.factory, report, timeoutMs: 1 })).durable);
    assert.equal(problems.length, 1);
  });

  test('because another tab closed the database', async () => {
    const rows = await openRows({ indexedDB: new FakeIndexedDB().factory, ...reports() });
    rows.close();
    await assert.rejects(rows.add(row('a')), /closed/);
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
