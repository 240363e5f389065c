// What the tests share: the SDK's versions, clients for workspaces of their own, and a proxy that loses answers.

import { randomUUID } from 'node:crypto';
import http from 'node:http';
import * as newest from 'openai';
import * as six from 'openai-6';

export const serverURL = process.env.SDK_TEST_URL;
const token = process.env.SDK_TEST_TOKEN;
if (!serverURL || !token) throw new Error('SDK_TEST_URL and SDK_TEST_TOKEN must be set; see ../run');

/** The size of a file that the server is started with, see ../run. */
export const limit = 8 << 20;

/** The versions of the SDK under test. */
export const sdks = [
  { name: 'openai 7', sdk: newest },
  { name: 'openai 6', sdk: six },
];

/** A client for a workspace that only its test knows. */
export function makeClient(sdk, options = {}) {
  const workspace = options.workspace ?? `node-${randomUUID().replaceAll('-', '').slice(0, 24)}`;
  const client = new sdk.OpenAI({
    apiKey: token,
    baseURL: `${serverURL}/v1`,
    defaultQuery: { workspace },
    timeout: 60_000,
    ...options.client,
  });
  return { client, workspace };
}

/** A file as it is when its processing is over. */
export function settled(client, file) {
  return client.files.waitForProcessing(file.id, { pollInterval: 50, maxWait: 60_000 });
}

/** Everything that an async iterable gives. */
export async function collect(iterable) {
  const all = [];
  for await (const item of iterable) all.push(item);
  return all;
}

/**
 * A proxy in front of the server until the test ends. The answers to the first `lose` requests never arrive: the connection is
 * cut. `statuses` are the server's answers, the lost ones too.
 */
export async function startProxy(t, lose) {
  const statuses = [];
  const target = new URL(serverURL);
  const proxy = http.createServer((request, response) => {
    const { method, url: path, headers } = request;
    const upstream = http.request({ host: target.hostname, port: target.port, method, path, headers }, async (answer) => {
      const body = Buffer.concat(await answer.toArray());
      statuses.push(answer.statusCode);
      if (statuses.length <= lose) {
        response.destroy();
        return;
      }
      response.writeHead(answer.statusCode, answer.headers);
      response.end(body);
    });
    request.pipe(upstream);
  });
  await new Promise((listening) => proxy.listen(0, '127.0.0.1', listening));
  t.after(() => {
    proxy.closeAllConnections();
    return new Promise((closed) => proxy.close(closed));
  });
  return { url: `http://127.0.0.1:${proxy.address().port}/v1`, statuses };
}
