import assert from 'node:assert/strict';
import { test } from 'node:test';

import { pictureName, pictureOf } from '../../../chat/static/chat/timeline/pictures.js';

const ALLOWED = new Set(['images.example.org', 'localhost:8443']);

test('an image of an allowed host is shown', () => {
  assert.equal(
    pictureOf('https://images.example.org/a/Boat.PNG?w=3#x', ALLOWED),
    'https://images.example.org/a/Boat.PNG?w=3#x',
  );
  assert.equal(
    pictureOf('https://localhost:8443/boat.webp', ALLOWED),
    'https://localhost:8443/boat.webp',
  );
});

test('everything else stays a link', () => {
  for (const href of [
    'http://images.example.org/boat.png', // in the clear
    'https://example.org/boat.png',
    'https://cdn.images.example.org/boat.png',
    'https://images.example.org:8443/boat.png',
    'https://images.example.org@evil.org/boat.png',
    'https://me:secret@images.example.org/boat.png',
    'https://images.example.org/boat.svg', // a document, not a picture
    'https://images.example.org/boat',
    'mailto:boat.png@images.example.org',
    '/boat.png',
  ]) {
    assert.equal(pictureOf(href, ALLOWED), null, href);
  }
  assert.equal(pictureOf('https://images.example.org/boat.png', new Set()), null);
});

test('an image is called by the text of its link, or by its file', () => {
  assert.equal(pictureName('https://images.example.org/a.png', 'The harbour'), 'The harbour');
  assert.equal(
    pictureName(
      'https://images.example.org/the%20harbour.png',
      'https://images.example.org/the%20harbour.png',
    ),
    'the harbour.png',
  );
  assert.equal(pictureName('https://images.example.org/100%.png', ''), '100%.png');
});
