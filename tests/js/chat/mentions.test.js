import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { completePeople } from '../../../chat/static/chat/composer/completions.js';
import { begunMention, same } from '../../../chat/static/chat/composer/mention_grammar.js';

// The server passes the same table (tests/chat/test_mention_grammar.py).
const table = JSON.parse(readFileSync(new URL('mentions.json', import.meta.url), 'utf8'));

describe('a mention', () => {
  for (const [text, begun] of table.begun)
    test(`being typed: ${text}`, () => assert.equal(begunMention(text) ?? null, begun));

  test('names are the same whatever their case, composition and width', () => {
    for (const [one, other] of table.same) assert.equal(same(one), same(other));
    for (const [one, other] of table.different) assert.notEqual(same(one), same(other));
  });

  test('is completed with the name as its owner spells it', async () => {
    const people = ['JaneDoe', 'josé', '张三'].map((username, id) => ({
      id,
      username,
      name: `Person ${id}`,
    }));
    const { find } = completePeople(async () => /** @type {any} */ (people));
    const found = async (/** @type {string} */ begun) =>
      (await find(begun)).map(({ text }) => text);
    assert.deepEqual(await found('@jane'), ['@JaneDoe']);
    assert.deepEqual(await found('@JOSE\u0301'), ['@josé']);
    assert.deepEqual(await found('＠ｊａｎｅ'), ['@JaneDoe']);
    assert.deepEqual(await found('@张'), ['@张三']);
    assert.deepEqual(await found('@pers'), ['@JaneDoe', '@josé', '@张三']);
  });
});
