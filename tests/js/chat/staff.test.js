import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Staff } from '../../../chat/static/chat/rooms/staff.js';

/** @param {number} id @param {string} role @param {string} [state] */
const membership = (id, role, state = 'active') =>
  /** @type {any} */ ({ user: { id }, role, state });

describe('the badges of a room', () => {
  test('follow the events', () => {
    const staff = new Staff();
    staff.replace({ 1: 'owner' });
    assert.equal(staff.changed(membership(2, 'moderator')), true);
    assert.equal(staff.changed(membership(2, 'moderator')), false);
    assert.equal(staff.of(2), 'moderator');
    assert.equal(staff.changed(membership(2, 'moderator', 'left')), true);
    assert.equal(staff.of(2), 'member');
    assert.equal(staff.changed(membership(3, 'member')), false);
  });

  test('of site moderators stay in every room', () => {
    const staff = new Staff();
    staff.replace({ 1: 'site' });
    assert.equal(staff.changed(membership(1, 'member', 'banned')), false);
    assert.equal(staff.of(1), 'site');
  });

  test('are none where a node of the version before sends none', () => {
    const staff = new Staff();
    staff.replace(undefined);
    assert.equal(staff.of(1), 'member');
  });
});
