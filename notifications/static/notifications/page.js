/**
 * Bell and announcements on a page without chat: its own small connection, which carries only the inbox and the announcements.
 *
 * @module
 */

import { Api } from '../realtime/api.js';
import { Client } from '../realtime/client.js';
import { Session } from '../realtime/session.js';
import { Announcements } from './announcements.js';
import { Banner } from './banner.js';
import { Bell } from './bell.js';
import { showThatSomebodyLooks } from './desktop.js';
import { InboxFeed } from './feed.js';
import { listenToBrowser } from './wakefulness.js';

const client = new Client({ path: '/ws/notifications/' });
const api = new Api({ onEpoch: (epoch) => client.heardEpoch(epoch) });
new Session({ client, ask: () => api.get('/api/announcements/') });
const feed = new InboxFeed(client, api);
const announcements = new Announcements(client, api);

for (const element of document.querySelectorAll('[data-bell]')) {
  const bell = new Bell(/** @type {HTMLElement} */ (element));
  feed.on('unread', (unread) => bell.show(unread));
}
for (const element of document.querySelectorAll('[data-banners]')) {
  const banner = new Banner(/** @type {HTMLElement} */ (element), (id) => void announcements.read(id));
  announcements.on('change', (shown) => banner.show(shown));
}
feed.on('reading', ({ announcement }) => announcements.wasRead(announcement));

let following = false;
client.on('hello', ({ user }) => {
  if (following) return;
  following = true;
  feed.follow(user.id);
  announcements.follow();
});
listenToBrowser(client);
showThatSomebodyLooks();
client.start();
