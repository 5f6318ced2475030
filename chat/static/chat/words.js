/**
 * Texts of the page as a whole: the connection, and what app.js reports.
 * @module
 */

import { counted, fill, gettext } from '../realtime/lib/language.js';
import { few } from './lib/words.js';

export const words = {
  pageTitle: (/** @type {number} */ unread, /** @type {string} */ title) =>
    unread > 0 ? `(${few(unread)}) ${title}` : title,

  connectionLive: gettext('Connected'),
  connecting: gettext('Connecting…'),
  reconnectingIn: (/** @type {number} */ seconds) =>
    counted('Reconnecting in %(count)s second', 'Reconnecting in %(count)s seconds', seconds),
  reconnecting: gettext('Reconnecting…'),
  offline: gettext("You're offline. Your messages will be sent when you reconnect."),
  offlineShort: gettext('Offline'),
  deploying: (/** @type {number} */ seconds) =>
    counted(
      'The server is restarting. Reconnecting in %(count)s second',
      'The server is restarting. Reconnecting in %(count)s seconds',
      seconds,
    ),
  sessionDoubted: gettext("Checking whether you're still signed in…"),
  signedOut: gettext("You've been signed out."),
  siteBanned: gettext("You've been banned."),
  deactivated: gettext('Your account has been deactivated.'),
  tooManyConnections: gettext(
    'Holdfast is open in too many windows. Close some, then reload this one.',
  ),
  stopped: (/** @type {string} */ reason) =>
    reason
      ? fill(gettext('The connection was closed: %(reason)s'), { reason })
      : gettext('The connection was closed.'),
  stoppedShort: gettext('Not connected'),

  otherLanguage: gettext('You have chosen another language. Reload to see it.'),
  reload: gettext('Reload'),
  allRead: gettext('All rooms marked as read'),
  joined: (/** @type {string} */ name) => fill(gettext('Welcome to %(name)s'), { name }),
  linkCopied: gettext('Link copied'),
  copyFailed: gettext("Couldn't copy. Copy the link from the address bar instead."),
};
