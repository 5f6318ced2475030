/**
 * Bell and announcements on a page without chat: their own small connection, one for all such pages
 * of the browser, which carries only the inbox and the announcements. Other parts of a page
 * use `feed` and `api`.
 *
 * @module
 */

import { Api } from '../realtime/api.js';
import { Client } from '../realtime/client.js';
import { followPageLifecycle } from '../realtime/connection/page_lifecycle.js';
import { Session } from '../realtime/session.js';
import { sharedTransport } from '../realtime/tabs/shared_socket.js';
import { Announcements } from './announcements.js';
import { Banner } from './banner.js';
import { Bell } from './bell.js';
import { announceVisibility } from './desktop.js';
import { InboxFeed } from './feed.js';

const PATH = '/ws/notifications/';
const me = Number(/** @type {HTMLElement} */ (document.querySelector('[data-me]')).dataset.me);

const client = new Client({
  path: PATH,
  user: me,
  transport: sharedTransport({ path: PATH, user: me }),
});
export const api = new Api({ onEpoch: (epoch) => client.checkEpoch(epoch) });
new Session({ client, check: () => api.get('/api/announcements/') });
export const feed = new InboxFeed(client, api);
const announcements = new Announcements(client, api);

for (const element of document.querySelectorAll('[data-bell]')) {
  const bell = new Bell(/** @type {HTMLElement} */ (element));
  feed.on('unread', (unread) => bell.show(unread));
}
for (const element of document.querySelectorAll('[data-banners]')) {
  const banner = new Banner(
    /** @type {HTMLElement} */ (element),
    (id) => void announcements.read(id),
  );
  announcements.on('change', (shown) => banner.show(shown));
}
feed.on('reading', ({ announcement }) => announcements.wasRead(announcement));

feed.follow(me);
announcements.follow();
followPageLifecycle(client);
announceVisibility();
client.start();
