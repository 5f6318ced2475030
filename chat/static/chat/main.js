/**
 * Where the conversation's scripts start.
 * @module
 */

import { Outbox } from '../realtime/outbox/outbox.js';
import { App } from './app.js';
import { takeJson } from './lib/dom.js';

const boot = takeJson(document, 'boot');
// Nothing is waited for: a press that comes before the page is taken over would do nothing.
new App(boot, new Outbox({ owner: boot.me.id })).start();
