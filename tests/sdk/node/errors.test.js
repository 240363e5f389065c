// Errors arrive as the SDK's own types, and nothing is sent again that cannot succeed.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';

import { collect, limit, makeClient, sdks, startProxy } from './support.js';

for (const { name, sdk } of sdks) {
  const put = async (client, content = 'a', headers = {}) =>
    client.files.create({ file: await sdk.toFile(Buffer.from(content), 'a.txt'), purpose: 'user_data' }, { headers });

  describe(`${name}: errors`, () => {
    test('NotFoundError', async () => {
      const { client } = makeClient(sdk);
      for (const id of ['file-06dvm5k8qg0021h7r5d9o4p2tc', 'nonsense']) {
        for (const call of [() => client.files.retrieve(id), () => client.files.content(id), () => client.files.delete(id)]) {
          await assert.rejects(call, (error) => {
            assert.ok(error instanceof sdk.NotFoundError);
            assert.deepEqual([error.status, error.code, error.param], [404, 'not_found', 'file_id']);
            assert.equal(error.error.message, `File not found: ${id}`);
            assert.ok(error.requestID);
            return true;
          });
        }
      }
    });

    test('AuthenticationError', async () => {
      const { client } = makeClient(sdk, { client: { apiKey: 'wrong' } });
      for (const call of [() => client.files.list(), () => client.files.retrieve('file-x'), () => put(client)]) {
        await assert.rejects(call, (error) => {
          assert.ok(error instanceof sdk.AuthenticationError);
          assert.deepEqual([error.status, error.code], [401, 'invalid_token']);
          return true;
        });
      }
    });

    test('UnprocessableEntityError', async () => {
      const { client } = makeClient(sdk);
      const file = await sdk.toFile(Buffer.from('a'), 'a.txt');
      await assert.rejects(client.files.list({ limit: 0 }), (error) => {
        assert.ok(error instanceof sdk.UnprocessableEntityError);
        assert.deepEqual([error.param, error.code, error.type], ['limit', 'out_of_range', 'invalid_request_error']);
        return true;
      });
      await assert.rejects(client.files.create({ file, purpose: 'fun' }), (error) => {
        assert.ok(error instanceof sdk.UnprocessableEntityError);
        assert.deepEqual([error.param, error.code], ['purpose', 'invalid_value']);
        return true;
      });
      assert.deepEqual(await collect(client.files.list()), []);
    });

    test('BadRequestError', async () => {
      const { client } = makeClient(sdk);
      const { id } = await put(client);
      const broken = client.post('/files', {
        body: new Blob(['--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\ncut off']),
        headers: { 'Content-Type': 'multipart/form-data; boundary=x' },
      });
      await assert.rejects(broken, (error) => {
        assert.ok(error instanceof sdk.BadRequestError, String(error));
        assert.equal(error.code, 'malformed_multipart');
        return true;
      });
      assert.deepEqual((await collect(client.files.list())).map((f) => f.id), [id]);
    });

    test('PermissionDeniedError', async () => {
      const { client, workspace } = makeClient(sdk);
      const { id } = await put(client);
      const made = await client.post('/tokens', { body: { user: workspace, role: 'viewer', workspace } });
      const viewer = makeClient(sdk, { workspace, client: { apiKey: made.token } }).client;
      assert.equal((await viewer.files.retrieve(id)).id, id);
      for (const call of [() => put(viewer), () => viewer.files.delete(id)]) {
        await assert.rejects(call, (error) => {
          assert.ok(error instanceof sdk.PermissionDeniedError);
          assert.equal(error.code, 'read_only');
          return true;
        });
      }
    });

    test('request ids', async () => {
      const { client } = makeClient(sdk);
      const made = await put(client);
      assert.ok(made._request_id);
      const { data, response, request_id } = await client.files.retrieve(made.id).withResponse();
      assert.equal(request_id, response.headers.get('x-request-id'));
      assert.equal(data._request_id, request_id);
      assert.notEqual(request_id, made._request_id);
    });
  });

  describe(`${name}: retries`, () => {
    test('an answer that is lost, with a key: one file', async (t) => {
      const { client, workspace } = makeClient(sdk);
      const way = await startProxy(t, 1);
      const behind = makeClient(sdk, { workspace, client: { baseURL: way.url } }).client;
      const made = await put(behind, 'once', { 'Idempotency-Key': randomUUID() });
      assert.deepEqual(way.statuses, [200, 200]);
      assert.deepEqual((await collect(client.files.list())).map((f) => f.id), [made.id]);
      assert.equal(await (await client.files.content(made.id)).text(), 'once');
    });

    test('a key with other content is a conflict that stays', async (t) => {
      const way = await startProxy(t, 0);
      const { client } = makeClient(sdk, { client: { baseURL: way.url } });
      const key = { 'Idempotency-Key': randomUUID() };
      await put(client, 'one', key);
      await assert.rejects(put(client, 'two', key), (error) => {
        assert.ok(error instanceof sdk.ConflictError);
        assert.equal(error.code, 'idempotency_key_reused');
        return true;
      });
      assert.deepEqual(way.statuses, [200, 409]);
    });

    test('a file over the limit is sent once', async (t) => {
      const way = await startProxy(t, 0);
      const { client } = makeClient(sdk, { client: { baseURL: way.url } });
      await assert.rejects(put(client, Buffer.alloc(4 * limit)), (error) => {
        assert.ok(error instanceof sdk.APIError);
        assert.deepEqual([error.status, error.code], [413, 'file_too_large']);
        return true;
      });
      assert.deepEqual(way.statuses, [413]);
      const direct = makeClient(sdk).client;
      await assert.rejects(put(direct, Buffer.alloc(4 * limit)), { status: 413 });
    });
  });
}
