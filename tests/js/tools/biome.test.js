/** `make lint` checks the sources, but not the copies of them that `make run` collects. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';

const BIOME = `${process.cwd()}/var/npm/node_modules/.bin/biome`;

/** @param {string} folder Where a badly formatted file lies. */
function passes(folder) {
  const project = mkdtempSync('/tmp/holdfast-biome-');
  try {
    cpSync('.biome.jsonc', `${project}/.biome.jsonc`);
    mkdirSync(`${project}/chat/static`, { recursive: true });
    writeFileSync(`${project}/chat/static/good.js`, 'export const good = 1;\n');
    mkdirSync(`${project}/${folder}`, { recursive: true });
    writeFileSync(`${project}/${folder}/bad.js`, 'export const bad  =  1\n');
    execFileSync(BIOME, ['check'], {
      cwd: project,
      stdio: 'ignore',
      env: { PATH: process.env.PATH },
    });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(project, { recursive: true });
  }
}

test('sources are checked', () => {
  assert.equal(passes('realtime/static/realtime'), false);
});

test('collected files are not', () => {
  assert.equal(passes('var/static/chat'), true);
  assert.equal(passes('var/templates/0123/static/chat'), true);
});
