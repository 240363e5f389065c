// Documents that are processed, through the official SDK: its own waiting, and its low-level calls for what it does not know.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { makeClient, sdks } from './support.js';

const invoice = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../examples/invoice.pdf');
const total = 'Total: 1,419.33 EUR';
const wait = { pollInterval: 50, maxWait: 120_000 }; // the first PDF of a new server takes some seconds

for (const { name, sdk } of sdks) {
  const put = async (client, content, filename, extra = {}, options = {}) =>
    client.files.create({ file: await sdk.toFile(Buffer.from(content), filename), purpose: 'user_data', ...extra }, options);
  const putInvoice = async (client) => client.files.waitForProcessing((await put(client, fs.readFileSync(invoice), 'invoice.pdf')).id, wait);
  const textOf = async (client, file, headers = {}) => client.get(`/files/${file.id}/text`, { headers }).asResponse();

  describe(`${name}: processing`, () => {
    test('a document that is processed', async () => {
      const { client } = makeClient(sdk);
      const made = await put(client, fs.readFileSync(invoice), 'invoice.pdf');
      assert.deepEqual([made.status, made.document], ['uploaded', null]);
      const done = await client.files.waitForProcessing(made.id, wait);
      assert.deepEqual([done.status, done.status_details, done.error], ['processed', null, null]);
      assert.deepEqual([done.document.format, done.document.pages, done.document.title], ['pdf', 1, 'Invoice 2026-0417']);
      assert.deepEqual(await client.files.retrieve(made.id), done);
    });

    test('a document that ends in error', async () => {
      const { client } = makeClient(sdk);
      const made = await put(client, fs.readFileSync(invoice).subarray(0, 2000), 'broken.pdf');
      const done = await client.files.waitForProcessing(made.id, wait);
      assert.deepEqual([done.status, done.error.code], ['error', 'document_broken']);
      assert.ok(done.status_details);
      await assert.rejects(textOf(client, made), (problem) => problem instanceof sdk.NotFoundError && problem.code === 'no_text');
    });

    test('the server waits', async () => {
      const { client } = makeClient(sdk);
      const done = await put(client, 'A note.', 'note.txt', {}, { headers: { Prefer: 'wait=120' } });
      assert.deepEqual([done.status, done.document.characters], ['processed', 7]);
    });

    test('instructions that cannot be carried out', async () => {
      const { client } = makeClient(sdk);
      const asked = { instructions: 'find the author', metadata: '{"kept":true}' };
      const done = await put(client, 'A note.', 'note.txt', asked, { headers: { Prefer: 'wait=120' } });
      assert.deepEqual([done.status, done.error.code, done.instructions], ['error', 'model_not_configured', 'find the author']);
      assert.deepEqual(done.metadata, { kept: true });
      assert.equal(await (await textOf(client, done)).text(), 'A note.');
    });

    test('an instruction is refused as a whole', async () => {
      const { client } = makeClient(sdk);
      const done = await client.files.waitForProcessing((await put(client, 'A note.', 'note.txt')).id, wait);
      await assert.rejects(
        client.patch(`/files/${done.id}/metadata`, { body: { a: 1, instructions: 'rename a to b' } }),
        (problem) => problem instanceof sdk.UnprocessableEntityError && problem.code === 'model_not_configured',
      );
      assert.deepEqual((await client.files.retrieve(done.id)).metadata, {});
    });

    test('text, whole and in part', async () => {
      const { client } = makeClient(sdk);
      const file = await putInvoice(client);
      const text = await (await textOf(client, file)).text();
      assert.ok(text.includes(total));
      assert.equal([...text].length, file.document.characters);
      const part = await textOf(client, file, { Range: 'bytes=5-20' });
      assert.equal(part.status, 206);
      assert.deepEqual(Buffer.from(await part.arrayBuffer()), Buffer.from(text).subarray(5, 21));
    });

    test('pages', async () => {
      const { client } = makeClient(sdk);
      const file = await putInvoice(client);
      const pages = await client.get(`/files/${file.id}/pages`, { query: { include: 'text' } });
      const page = await client.get(`/files/${file.id}/pages/1`);
      assert.ok(page.text.includes(total));
      assert.deepEqual(pages.data, [page]);
    });

    test('process again', async () => {
      const { client } = makeClient(sdk);
      const file = await putInvoice(client);
      const again = await client.post(`/files/${file.id}/process`, { body: {}, headers: { Prefer: 'wait=120' } });
      assert.equal(again.status, 'processed');
      const runs = await client.get(`/files/${file.id}/runs`);
      assert.deepEqual(runs.data.map((run) => [run.kind, run.status]), Array(2).fill(['process', 'succeeded']));
      await assert.rejects(client.post(`/files/${file.id}/cancel`), (problem) => problem.status === 409 && problem.code === 'run_over');
    });
  });
}
