/**
 * A page for someone who is not signed in: the session that kept rooms on this device is over.
 * @module
 */

import { forgetKept } from './personal_data.js';

void forgetKept();
