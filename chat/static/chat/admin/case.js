/**
 * On a phone a case opens at the message that it is about; what was said before is above it.
 * @module
 */

const NARROW = '(max-width: 640px)';

if (!location.hash && matchMedia(NARROW).matches)
  document.getElementById('reported')?.scrollIntoView({ block: 'center' });
