// The site serves the static files of all packages from one root, so modules import
// `../realtime/api.js` from wherever they are. On the disk each package has a root of its own: what
// is not found beside the importer is looked for there.
import { register } from 'node:module';

register(new URL('./one-root-hooks.js', import.meta.url));
