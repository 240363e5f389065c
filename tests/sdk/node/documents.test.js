// The JavaScript blocks of the documents, word for word: those of one document are one program.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { serverURL } from './support.js';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../../..');

test('docs/api.md', () => {
  const text = fs.readFileSync(path.join(root, 'docs/api.md'), 'utf8');
  const blocks = [...text.matchAll(/^```js\n(.*?)^```$/gms)].map((found) => found[1]);
  assert.notEqual(blocks.length, 0);
  const program = path.join(here, `documents-${process.pid}.mjs`); // here, so that the SDK is found
  fs.writeFileSync(program, blocks.join('\n'));
  try {
    const env = { ...process.env, SATCHEL_URL: serverURL, SATCHEL_TOKEN: process.env.SDK_TEST_TOKEN };
    const done = spawnSync(process.execPath, [program], { cwd: root, env, encoding: 'utf8', timeout: 120_000 });
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stdout, /minutes\.md/);
  } finally {
    fs.rmSync(program);
  }
});
