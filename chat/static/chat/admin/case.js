/**
 * On a phone, a case opens at the reported message; scrolling up shows the messages before it.
 * @module
 */

const NARROW = '(max-width: 640px)';

if (!location.hash && matchMedia(NARROW).matches)
  document.getElementById('reported')?.scrollIntoView({ block: 'center' });
