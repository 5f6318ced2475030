/**
 * The kinds of notification that chat sends (chat/notification_kinds.py). Importing this module
 * registers them.
 * @module
 */

import { registerKinds } from '../../notifications/kinds.js';
import { categories, quoted, sentences, summaries } from './words.js';

/** @typedef {import('../../realtime/types.js').Row} Row */

/**
 * A moderator's reason; without one, the category of the report that led to it.
 * @param {Row} row
 */
const reason = ({ body, params }) => body || (categories[params.category]?.() ?? '');

registerKinds({
  mention: { sentence: sentences.mention, icon: 'at-sign' },
  reply: { sentence: sentences.reply, icon: 'reply' },
  reaction: {
    sentence: sentences.reaction,
    summary: summaries.reaction,
    groupedBy: 'subject',
    icon: 'smile-plus',
  },
  direct: {
    sentence: sentences.direct,
    summary: summaries.direct,
    groupedBy: 'place',
    icon: 'message-circle',
  },
  message: {
    sentence: sentences.message,
    summary: summaries.message,
    groupedBy: 'place',
    icon: 'message-circle',
  },
  invitation: { sentence: sentences.invitation, icon: 'user-plus' },
  moderation: { sentence: sentences.moderation, detail: reason, icon: 'shield' },
  room: { sentence: sentences.room, detail: ({ body }) => quoted(body), icon: 'users' },
  report: { sentence: sentences.report },
  raid: { sentence: sentences.raid, icon: 'shield' },
});
