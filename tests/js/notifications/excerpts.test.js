import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Excerpts } from '../../../chat/static/chat/inbox/excerpts.js';

/** A server whose answers come when the test says so. */
function scene() {
  /** @type {{subjects: string[], answer: (texts: Record<string, string>) => Promise<void>}[]} */
  const asked = [];
  let changes = 0;
  const excerpts = new Excerpts({
    ask: (subjects) =>
      new Promise((resolve) => {
        asked.push({
          subjects,
          answer: async (texts) => {
            resolve(texts);
            await settled();
          },
        });
      }),
    textOf: (message) => (message.deleted_at ? '' : message.body),
    changed: () => {
      changes += 1;
    },
  });
  return { excerpts, asked, changes: () => changes };
}

/** @returns {Promise<void>} */
const settled = () => new Promise((resolve) => setImmediate(() => resolve()));

/** @param {number} number @returns {any} */
const notice = (number) => ({ subject: `room.1.${number}`, count: 1 });

/** @param {number} number @param {string} body @param {string | null} [deleted] @returns {any} */
const message = (number, body, deleted = null) => ({
  room: 1,
  number,
  body,
  deleted_at: deleted,
});

describe('excerpts of an inbox', () => {
  test('the text changes with its message and goes with it', () => {
    const { excerpts, changes } = scene();
    excerpts.rendered([notice(1)], { 'room.1.1': 'Hello' });
    excerpts.heard([message(1, 'Hello again'), message(2, 'of no notification')]);
    assert.deepEqual([excerpts.get('room.1.1'), excerpts.get('room.1.2')], ['Hello again', '']);
    excerpts.heard([message(1, '', '2026-11-24T12:00:00Z')]);
    assert.deepEqual([excerpts.get('room.1.1'), changes()], ['', 2]);
  });

  test('new notifications ask once, together', async () => {
    const { excerpts, asked } = scene();
    excerpts.want(notice(1));
    excerpts.want(notice(2));
    excerpts.want({ ...notice(3), count: 0 });
    await settled();
    assert.deepEqual(
      asked.map(({ subjects }) => subjects),
      [['room.1.1', 'room.1.2']],
    );
    await asked[0].answer({ 'room.1.1': 'Hello' });
    assert.deepEqual([excerpts.get('room.1.1'), excerpts.get('room.1.2')], ['Hello', '']);
    excerpts.want(notice(1));
    await settled();
    assert.equal(asked.length, 1);
  });

  test('a change that crosses an answer wins', async () => {
    const { excerpts, asked } = scene();
    excerpts.want(notice(1));
    await settled();
    excerpts.heard([message(1, '', '2026-11-24T12:00:00Z')]);
    await asked[0].answer({ 'room.1.1': 'the deleted text' });
    assert.equal(excerpts.get('room.1.1'), '');
  });

  test('an answer from before access was lost is asked for again', async () => {
    const { excerpts, asked } = scene();
    const page = excerpts.page(
      new Promise((resolve) => {
        setImmediate(() =>
          resolve({ notifications: [notice(1)], excerpts: { 'room.1.1': 'a secret' } }),
        );
      }),
    );
    excerpts.refresh();
    await page;
    await settled();
    assert.equal(excerpts.get('room.1.1'), '');
    await asked[0].answer({});
    assert.equal(excerpts.get('room.1.1'), '');
  });
});
