/**
 * The entry point of the chat page.
 * @module
 */

import { Outbox } from '../realtime/outbox/outbox.js';
import { forgetOthers } from './account/personal_data.js';
import './account/sign_out.js';
import { App } from './app.js';
import { readJson } from './lib/dom.js';
import './page.js';

const boot = readJson(document, 'boot');
forgetOthers(boot.me.id);
// Start without waiting: until then, clicks do nothing.
new App(boot, new Outbox({ owner: boot.me.id })).start();
