/**
 * The one Trusted Types policy of our pages: the Content-Security-Policy
 * (realtime/site/security_headers.py) refuses every other string that would become markup or the
 * address of a script. Browsers without Trusted Types use the strings as they are.
 * @module
 */

const NAME = 'holdfast';
/** A page may start the service worker, and the workers among our own files. */
const SCRIPTS = ['/service-worker.js', '/static/'];

/**
 * @typedef {object} Policy
 * @property {(html: string) => string} createHTML
 * @property {(url: string) => string} createScriptURL
 */

/** @type {Policy} */
const rules = {
  // Rendered and sanitised by the server, or by the highlighter, which escapes the code.
  createHTML: (html) => html,
  createScriptURL(url) {
    const { origin, pathname } = new URL(url, location.href);
    if (origin === location.origin && SCRIPTS.some((start) => pathname.startsWith(start)))
      return url;
    throw new TypeError(`expected the address of one of our scripts, got ${url}`);
  },
};

/** @type {Policy} */
const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy(NAME, rules) ?? rules;

/** Markup for `innerHTML` and the like. @param {string} html */
export const trustedHtml = (html) => policy.createHTML(html);

/** The address of a worker. @param {string} url */
export const trustedScript = (url) => policy.createScriptURL(url);
