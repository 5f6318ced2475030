/**
 * Texts of the client library: errors that come from no server.
 * @module
 */

import { fill, gettext } from './language.js';

export const words = {
  noReply: gettext('The connection was lost before the server replied.'),
  timedOut: gettext("The server didn't respond in time. Try again."),
  notConnected: gettext("You're not connected right now."),
  unreachable: gettext("The server can't be reached right now. Try again in a moment."),
  givenUp: gettext('The request was cancelled.'),
  unavailable: gettext('The server is unavailable right now. Try again in a moment.'),
  tooBig: gettext('This is too large to send.'),
  tooManyRequests: gettext('Too many requests. Wait a moment, then try again.'),
  tooMuchChanged: gettext('Too much changed while older messages were loading. Try again.'),
  outboxFull: (/** @type {number} */ count) =>
    fill(
      gettext('%(count)s messages are already waiting to be sent. Wait, or discard some of them.'),
      { count },
    ),
  unreadable: gettext("The server's response couldn't be read. Try again."),
  unreadableStatus: (/** @type {number} */ status) =>
    fill(gettext("The server's response couldn't be read (status %(status)s). Try again."), {
      status,
    }),
};
