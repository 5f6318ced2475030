/**
 * Texts of the page as a whole: the connection, and what app.js reports.
 * @module
 */

import { counted, fill, gettext } from '../realtime/lib/language.js';
import { spokenMoment } from '../realtime/lib/time_text.js';
import { few } from './lib/words.js';

/** The reason of a close with code BANNED: the moderator's reason, and the end of the ban. */
const SITE_BAN = /^(?:(?:account )?banned(?:: |$))?(.*?)(?: ?\(until ([^()]+ UTC)\))?$/s;

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
  siteBanned: (/** @type {string} */ closeReason) => {
    const [, reason, until] = SITE_BAN.exec(closeReason) ?? [];
    const time = until && spokenMoment(until);
    if (time && reason)
      return fill(gettext("You've been banned until %(time)s. Reason: %(reason)s"), {
        time,
        reason,
      });
    if (time) return fill(gettext("You've been banned until %(time)s."), { time });
    if (reason) return fill(gettext("You've been banned. Reason: %(reason)s"), { reason });
    return gettext("You've been banned.");
  },
  deactivated: gettext('Your account has been deactivated.'),
  tooManyConnections: gettext(
    'Holdfast is open in too many windows. Close some, then reload this one.',
  ),
  stopped: (/** @type {string} */ reason) =>
    reason
      ? fill(gettext('The connection was closed: %(reason)s'), { reason })
      : gettext('The connection was closed.'),
  stoppedShort: gettext('Not connected'),

  newDirectMessage: gettext('New direct message'),
  allRead: gettext('All rooms marked as read'),
  joined: (/** @type {string} */ name) => fill(gettext('Welcome to %(name)s'), { name }),
  linkCopied: gettext('Link copied'),
  copyFailed: gettext("Couldn't copy. Copy the link from the address bar instead."),
};
