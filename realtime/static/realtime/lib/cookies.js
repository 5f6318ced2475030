/**
 * Cookies that scripts of the site set. With HTTPS they have the prefix `__Host-`, as those of the
 * server: no other host of the domain can set or read them (RFC 6265bis, 4.1.3.2).
 * @module
 */

/**
 * @param {string} name
 * @param {string} value
 * @param {number} seconds  for which the browser keeps it; 0 deletes it
 */
export function setCookie(name, value, seconds) {
  const isSecure = location.protocol === 'https:';
  const attributes = `path=/; max-age=${seconds}; samesite=lax${isSecure ? '; secure' : ''}`;
  // biome-ignore lint/suspicious/noDocumentCookie: not every browser has the Cookie Store API.
  document.cookie = `${isSecure ? '__Host-' : ''}${name}=${value}; ${attributes}`;
}
