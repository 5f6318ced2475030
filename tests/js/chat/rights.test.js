import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  memberRights,
  messageRights,
  postingObstacle,
} from '../../../chat/static/chat/rooms/rights.js';

const ALICE = { id: 1, moderator: false };

/**
 * A room as Alice sees it.
 * @param
 *   {{data?: object, membership?: object | null, canModerate?: boolean, siteMutedUntil?: string | null}}
 *   [what]
 * @returns {any}
 */
function room({
  data = {},
  membership = { state: 'active', role: 'member', muted_until: null },
  canModerate = false,
  siteMutedUntil = null,
} = {}) {
  const isMember = /** @type {any} */ (membership)?.state === 'active';
  return {
    data: { kind: 'public', archived_at: null, read_only: false, ...data },
    membership,
    isMember,
    canModerate,
    siteMutedUntil,
  };
}

/** @param {object} [what] @returns {any} */
const message = (what = {}) => ({ author: { id: 2 }, deleted_at: null, ...what });

describe('why I cannot write', () => {
  test('a member writes', () => assert.equal(postingObstacle(room()), null));

  test('a reader of a public room is asked to join', () =>
    assert.equal(postingObstacle(room({ membership: null }))?.join, true));

  test('who was removed may come back to a public room, who was banned may not', () => {
    assert.equal(postingObstacle(room({ membership: { state: 'removed' } }))?.join, true);
    assert.equal(postingObstacle(room({ membership: { state: 'banned' } }))?.join, false);
  });

  test('a ban that has an end says when, and has ended then', () => {
    const banned = (/** @type {number} */ ms) =>
      room({
        membership: { state: 'banned', banned_until: new Date(Date.now() + ms).toISOString() },
      });
    assert.match(postingObstacle(banned(60_000))?.words ?? '', /until/);
    assert.equal(postingObstacle(banned(60_000))?.join, false);
    assert.equal(postingObstacle(banned(-1000))?.join, true);
  });

  test('a mute ends by itself', () => {
    const muted = (/** @type {number} */ ms) =>
      room({
        membership: {
          state: 'active',
          role: 'member',
          muted_until: new Date(Date.now() + ms).toISOString(),
        },
      });
    assert.match(postingObstacle(muted(60_000))?.words ?? '', /muted/);
    assert.equal(postingObstacle(muted(-1000)), null);
  });

  test('the longer of a mute in the room and one on the site is shown', () => {
    const later = (/** @type {number} */ ms) => new Date(Date.now() + ms).toISOString();
    const both = (/** @type {number} */ here, /** @type {number} */ everywhere) =>
      postingObstacle(
        room({
          membership: { state: 'active', role: 'member', muted_until: later(here) },
          siteMutedUntil: later(everywhere),
        }),
      )?.words ?? '';
    assert.match(both(60_000, 120_000), /in all rooms.*again in 2 minutes/);
    assert.match(both(180_000, 120_000), /muted you in this room.*again in 3 minutes/);
    assert.match(both(-1000, 120_000), /in all rooms/);
    assert.match(both(60_000, -1000), /in this room/);
    assert.equal(both(-1000, -1000), '');
    const direct = room({ data: { kind: 'direct' }, siteMutedUntil: later(60_000) });
    assert.match(postingObstacle(direct)?.words ?? '', /in all rooms/);
    assert.match(
      postingObstacle(room({ canModerate: true, siteMutedUntil: later(7_200_000) }))?.words ?? '',
      /in all rooms until/,
    );
  });

  test('a read-only room is written by those who moderate it', () => {
    assert.match(postingObstacle(room({ data: { read_only: true } }))?.words ?? '', /read-only/);
    assert.equal(postingObstacle(room({ data: { read_only: true }, canModerate: true })), null);
  });

  test('an archived room is written by nobody', () => {
    assert.match(
      postingObstacle(room({ data: { archived_at: '2026-11-24T10:00:00Z' }, canModerate: true }))
        ?.words ?? '',
      /archived/,
    );
  });
});

describe('what I may do with a message', () => {
  test('edit mine, report that of others', () => {
    const mine = messageRights(room(), message({ author: { id: 1 } }), ALICE.id);
    const theirs = messageRights(room(), message(), ALICE.id);
    assert.deepEqual([mine.edit, mine.delete, mine.report], [true, true, false]);
    assert.deepEqual([theirs.edit, theirs.delete, theirs.report], [false, false, true]);
  });

  test('who is muted does not react either', () => {
    const until = new Date(Date.now() + 60_000).toISOString();
    const { react, edit, reply, report } = messageRights(
      room({ siteMutedUntil: until }),
      message(),
      ALICE.id,
    );
    assert.deepEqual([react, edit, reply, report], [false, false, false, true]);
    assert.equal(
      messageRights(room({ data: { read_only: true } }), message(), ALICE.id).react,
      true,
    );
  });

  test('a moderator deletes that of others and edits it not', () => {
    const rights = messageRights(room({ canModerate: true }), message(), ALICE.id);
    assert.deepEqual([rights.delete, rights.edit], [true, false]);
  });

  test('nothing is left to do with a deleted one but to link to it', () => {
    const rights = messageRights(
      room({ canModerate: true }),
      message({ deleted_at: '2026-11-24T10:00:00Z' }),
      ALICE.id,
    );
    assert.deepEqual(
      Object.entries(rights).filter(([, may]) => may),
      [['link', true]],
    );
  });
});

describe('the members that a user may moderate', () => {
  const owned = room({ membership: { state: 'active', role: 'owner' }, canModerate: true });
  const moderated = room({ membership: { state: 'active', role: 'moderator' }, canModerate: true });
  const member = (/** @type {string} */ role) => ({ role, user: { id: 2 } });

  test('those below me', () => {
    assert.equal(memberRights(owned, member('moderator'), ALICE).moderate, true);
    assert.equal(memberRights(moderated, member('member'), ALICE).moderate, true);
    assert.equal(memberRights(moderated, member('moderator'), ALICE).moderate, false);
    assert.equal(memberRights(room(), member('member'), ALICE).moderate, false);
  });

  test('never myself', () =>
    assert.equal(memberRights(owned, { role: 'member', user: { id: 1 } }, ALICE).moderate, false));

  test('roles are given by owners', () => {
    assert.equal(memberRights(owned, member('member'), ALICE).changeRole, true);
    assert.equal(memberRights(moderated, member('member'), ALICE).changeRole, false);
  });
});
