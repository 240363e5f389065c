// The life of a file through the official SDK.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { after, describe, test } from 'node:test';

import { collect, makeClient, sdks, serverURL, settled } from './support.js';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'satchel-node-'));
after(() => fs.rmSync(folder, { recursive: true }));

const purposes = [
  'assistants', 'assistants_output', 'batch', 'batch_output', 'fine-tune', 'fine-tune-results', 'vision', 'user_data', 'evals',
];

for (const { name, sdk } of sdks) {
  const put = async (client, content = 'a', filename = 'a.txt', extra = {}) =>
    client.files.create({ file: await sdk.toFile(Buffer.from(content), filename), purpose: 'user_data', ...extra });

  describe(`${name}: create`, () => {
    test('a path, streamed without a length', async () => {
      const { client, workspace } = makeClient(sdk);
      const content = randomBytes(1_000_000);
      const file = path.join(folder, 'stream.bin');
      fs.writeFileSync(file, content);
      const made = await client.files.create({ file: fs.createReadStream(file), purpose: 'user_data' });
      assert.match(made.id, /^file-/);
      assert.equal(made.object, 'file');
      assert.equal(made.bytes, content.length);
      assert.equal(made.filename, 'stream.bin');
      assert.equal(made.status, 'uploaded');
      assert.equal(made.workspace_id, workspace);
      assert.deepEqual(made.metadata, {});
      const done = await settled(client, made);
      assert.deepEqual(await client.files.retrieve(made.id), done);
      assert.deepEqual(Object.keys(done), Object.keys(made));
      for (const key of ['id', 'bytes', 'filename', 'purpose', 'created_at', 'sha256', 'metadata', 'workspace_id', 'expires_at']) {
        assert.deepEqual(done[key], made[key]);
      }
    });

    test('bytes, a File, a Response', async () => {
      const { client } = makeClient(sdk);
      assert.equal((await put(client, 'bytes')).bytes, 5);
      const web = await client.files.create({ file: new File(['web'], 'web.txt'), purpose: 'user_data' });
      assert.deepEqual([web.filename, web.bytes], ['web.txt', 3]);
      const response = await sdk.toFile(new Response('fetched'), 'fetched.txt');
      const fetched = await client.files.create({ file: response, purpose: 'user_data' });
      assert.deepEqual([fetched.filename, fetched.bytes], ['fetched.txt', 7]);
    });

    test('an empty file', async () => {
      const { client } = makeClient(sdk);
      const made = await put(client, '', 'empty.txt');
      assert.equal(made.bytes, 0);
      assert.equal(await (await client.files.content(made.id)).text(), '');
    });

    test('names of all kinds', async () => {
      const { client } = makeClient(sdk);
      for (const filename of ['كتاب المنطق.pdf', '🙂 smile.txt', 'quo"te.txt', 'naïve – café.md']) {
        assert.equal((await put(client, 'x', filename)).filename, filename);
      }
    });

    test('the type is found although the SDK names none', async () => {
      const { client } = makeClient(sdk);
      const made = await put(client, '%PDF-1.7\n%\xe2\xe3\xcf\xd3\n', 'paper.pdf');
      assert.equal(made.content_type, 'application/pdf');
    });

    test('every purpose', async () => {
      const { client } = makeClient(sdk);
      for (const purpose of purposes) {
        const made = await client.files.create({ file: await sdk.toFile(Buffer.from('{}\n'), 'a.jsonl'), purpose });
        assert.equal(made.purpose, purpose);
        assert.deepEqual((await collect(client.files.list({ purpose }))).map((f) => f.id), [made.id]);
      }
    });

    test('expires_after', async () => {
      const { client } = makeClient(sdk);
      const made = await put(client, 'a', 'a.txt', { expires_after: { anchor: 'created_at', seconds: 3600 } });
      assert.equal(made.expires_at, made.created_at + 3600);
    });

    test('metadata, flattened by the SDK', async () => {
      const { client } = makeClient(sdk);
      const metadata = { author: 'hegel', tags: ['a', 'b'], pub: { city: 'Riga', year: 1812 } };
      const made = await put(client, 'a', 'a.txt', { metadata });
      assert.deepEqual(made.metadata, { author: 'hegel', tags: ['a', 'b'], pub: { city: 'Riga', year: '1812' } });
    });

    test('metadata as JSON', async () => {
      const { client } = makeClient(sdk);
      const metadata = { year: 1812, seen: null, deep: { list: [1, 'two', false] } };
      assert.deepEqual((await put(client, 'a', 'a.txt', { metadata: JSON.stringify(metadata) })).metadata, metadata);
    });

    test('several files', async () => {
      const { client } = makeClient(sdk);
      const file = await Promise.all(['one', 'two', 'three'].map((n) => sdk.toFile(Buffer.from(n), `${n}.txt`)));
      const answer = await client.files.create({ file, purpose: 'user_data' });
      assert.equal(answer.object, 'list');
      assert.deepEqual(answer.data.map((f) => f.filename), ['one.txt', 'two.txt', 'three.txt']);
      assert.equal(answer.has_more, false);
      const listed = await collect(client.files.list({ order: 'asc' }));
      assert.deepEqual(listed.map((f) => f.id), answer.data.map((f) => f.id));
    });

    test('waitForProcessing', async () => {
      const { client } = makeClient(sdk);
      const made = await put(client);
      assert.equal((await client.files.waitForProcessing(made.id, { pollInterval: 50, maxWait: 30_000 })).status, 'processed');
      const asked = await put(client, 'a', 'a.txt', { instructions: 'find the author' });
      const failed = await client.files.waitForProcessing(asked.id, { pollInterval: 50, maxWait: 30_000 });
      assert.equal(failed.status, 'error');
      assert.equal(failed.error.code, 'model_not_configured');
      assert.ok(failed.status_details);
    });
  });

  describe(`${name}: lists`, () => {
    for (const order of ['asc', 'desc']) {
      test(`auto-paging, ${order}`, async () => {
        const { client } = makeClient(sdk);
        const ids = [];
        for (let n = 0; n < 7; n++) ids.push((await put(client, 'a', `${n}.txt`)).id);
        if (order === 'desc') ids.reverse();
        assert.deepEqual((await collect(client.files.list({ limit: 2, order }))).map((f) => f.id), ids);
        const pages = await collect((await client.files.list({ limit: 2, order })).iterPages());
        assert.deepEqual(pages.map((p) => [p.data.length, p.has_more]), [[2, true], [2, true], [2, true], [1, false]]);
      });
    }

    test('a last page that is full', async () => {
      const { client } = makeClient(sdk);
      for (let n = 0; n < 4; n++) await put(client, 'a', `${n}.txt`);
      const pages = await collect((await client.files.list({ limit: 2 })).iterPages());
      assert.deepEqual(pages.map((p) => [p.data.length, p.has_more]), [[2, true], [2, false]]);
    });

    test('nothing', async () => {
      const { client } = makeClient(sdk);
      const page = await client.files.list();
      assert.deepEqual([page.data, page.has_more, page.hasNextPage()], [[], false, false]);
    });

    test('filters', async () => {
      const { client } = makeClient(sdk);
      const hegel = await put(client, '1', 'logic.txt', { metadata: { author: 'hegel' } });
      await put(client, '2', 'critique.txt', { metadata: { author: 'kant' } });
      const found = async (query) => (await collect(client.files.list({}, { query }))).map((f) => f.id);
      assert.deepEqual(await found({ metadata: JSON.stringify({ author: 'hegel' }) }), [hegel.id]);
      assert.deepEqual(await found({ metadata: { author: 'hegel' } }), [hegel.id]);
      assert.deepEqual(await found({ filename: 'logic.txt' }), [hegel.id]);
      assert.deepEqual(await found({ sha256: hegel.sha256 }), [hegel.id]);
    });
  });

  describe(`${name}: content`, () => {
    test('text, bytes and a stream', async () => {
      const { client } = makeClient(sdk);
      const text = await put(client, 'Größe: µ, 漢字, 🙂\n');
      assert.equal(await (await client.files.content(text.id)).text(), 'Größe: µ, 漢字, 🙂\n');
      const content = randomBytes(3_000_000);
      const binary = await put(client, content, 'random.bin');
      const answer = await client.files.content(binary.id);
      assert.equal(answer.headers.get('content-length'), String(content.length));
      assert.ok(Buffer.from(await answer.arrayBuffer()).equals(content));
      const streamed = await client.files.content(binary.id);
      assert.ok(Buffer.concat(await Readable.fromWeb(streamed.body).toArray()).equals(content));
    });

    test('resumed', async () => {
      const { client } = makeClient(sdk);
      const { id } = await put(client, '0123456789');
      const first = await client.files.content(id);
      await first.arrayBuffer();
      const rest = await client.files.content(id, { headers: { Range: 'bytes=4-', 'If-Range': first.headers.get('etag') } });
      assert.equal(rest.status, 206);
      assert.equal(await rest.text(), '456789');
    });
  });

  describe(`${name}: change and delete`, () => {
    test('metadata', async () => {
      const { client } = makeClient(sdk);
      const { id } = await put(client, 'a', 'a.txt', { metadata: JSON.stringify({ author: 'hegel', draft: true }) });
      const changed = await client.patch(`/files/${id}/metadata`, { body: { draft: null, year: 1812 } });
      assert.deepEqual(changed.metadata, { author: 'hegel', year: 1812 });
    });

    test('delete', async () => {
      const { client } = makeClient(sdk);
      const { id } = await put(client);
      const gone = { ...(await client.files.delete(id)) };
      assert.deepEqual(gone, { id, object: 'file', deleted: true });
      await assert.rejects(client.files.retrieve(id), sdk.NotFoundError);
      await assert.rejects(client.files.content(id), sdk.NotFoundError);
      await assert.rejects(client.files.delete(id), sdk.NotFoundError);
    });

    test('workspaces are apart', async () => {
      const { client, workspace } = makeClient(sdk);
      const { id } = await put(client);
      const other = makeClient(sdk, { workspace: `${workspace}-b` }).client;
      assert.deepEqual(await collect(other.files.list()), []);
      await assert.rejects(other.files.retrieve(id), sdk.NotFoundError);
    });

    for (const prefix of ['', '/v1']) {
      test(`base URL with "${prefix}"`, async () => {
        const { client } = makeClient(sdk, { client: { baseURL: serverURL + prefix } });
        const made = await settled(client, await put(client, 'both'));
        assert.deepEqual(await client.files.retrieve(made.id), made);
        assert.deepEqual((await collect(client.files.list())).map((f) => f.id), [made.id]);
        assert.equal(await (await client.files.content(made.id)).text(), 'both');
        assert.equal((await client.files.delete(made.id)).deleted, true);
      });
    }
  });
}
