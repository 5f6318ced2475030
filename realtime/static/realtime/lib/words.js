/**
 * What the client library says to a person: errors that come from no server.
 * @module
 */

import { fill, gettext } from './language.js';

export const words = {
  noReply: gettext('The connection was lost before the answer came.'),
  timedOut: gettext('The server did not answer in time.'),
  notConnected: gettext('There is no connection right now.'),
  unreachable: gettext('The server cannot be reached right now.'),
  givenUp: gettext('The request was given up.'),
  unavailable: gettext('The server is not available right now.'),
  tooBig: gettext('This is too large to send.'),
  tooManyRequests: gettext('Too many requests; wait a moment.'),
  tooMuchChanged: gettext('Too much changed while older messages were loaded. Try again.'),
  outboxFull: (/** @type {number} */ count) =>
    fill(gettext('%(count)s messages wait to be sent already. Wait, or discard some.'), { count }),
  unreadable: gettext('The server gave an answer that could not be read.'),
  unreadableStatus: (/** @type {number} */ status) =>
    fill(gettext('The server gave an answer that could not be read (%(status)s).'), { status }),
};
