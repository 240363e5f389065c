// A real OpenID provider, as a program for the tests.
//
// usage: node provider.js '{"issuer": "http://127.0.0.1:PORT", "socket": FD, "clients": [{…}]}'
//
// It listens on the socket that it inherits, with keys that it makes itself, and prints "ready". SIGHUP has it replace all of its keys by new
// ones and print "ready" again. Beside what OpenID knows, clients have the algorithm that their access tokens are signed with, and an organization.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";

import { Provider } from "oidc-provider";

const { issuer, socket, clients } = JSON.parse(process.argv[2]);

function newKeys() {
  const pairs = [
    generateKeyPairSync("rsa", { modulusLength: 2048 }),
    generateKeyPairSync("ec", { namedCurve: "P-256" }),
    generateKeyPairSync("ed25519"),
  ];
  return pairs.map(({ privateKey }) => ({ ...privateKey.export({ format: "jwk" }), use: "sig" }));
}

function newProvider() {
  return new Provider(issuer, {
    clients,
    cookies: { keys: [randomBytes(32).toString("hex")] },
    extraClientMetadata: { properties: ["algorithm", "organization"] },
    // A person who signed in is told by the account, a program by the client.
    extraTokenClaims: (ctx, token) => ({
      id: token.accountId ?? token.clientId,
      org_id: ctx.oidc.client.organization,
      name: `${token.accountId ?? token.clientId} of ${ctx.oidc.client.organization}`,
    }),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: true }, // forms that let anybody in by name
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource, client) => ({
          audience: resource,
          scope: "files",
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: client.algorithm } },
        }),
      },
    },
    jwks: { keys: newKeys() },
    ttl: { AccessToken: 600, ClientCredentials: 600, IdToken: 600, Grant: 600, Interaction: 600, Session: 600 },
  });
}

function renew() {
  answer = newProvider().callback();
  console.log("ready");
}

let answer;
const server = createServer((request, response) => answer(request, response));
process.on("SIGHUP", renew);
server.listen({ fd: socket }, renew);
