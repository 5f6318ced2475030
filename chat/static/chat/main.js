/**
 * Where the conversation's scripts start.
 * @module
 */

import { Outbox } from '../realtime/outbox.js';
import { App } from './app.js';
import { takeJson } from './dom.js';

const boot = takeJson(document, 'boot');
const app = new App(boot, await Outbox.open({ owner: boot.me.id }));
app.start();
