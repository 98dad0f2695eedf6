/**
 * The provider's side of a sign-in with a link: Claude Code's addresses for it are fixed, and it takes no others from its
 * environment; but it uses a proxy and trusts a certificate that the environment names, and behind that proxy stands this.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { TLSSocket } from "node:tls";

export const goodCode = "a-good-code";
export const accessToken = "sk-ant-oat01-from-the-fake-provider";

export type FakeProvider = {
  /** what has Claude Code come here */
  readonly env: Record<string, string>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** @param directory for its key and certificate */
export async function openFakeProvider(directory: string): Promise<FakeProvider> {
  const [key, cert] = [join(directory, "provider-key.pem"), join(directory, "provider.pem")];
  const names = "subjectAltName=DNS:platform.claude.com,DNS:api.anthropic.com";
  const made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=fake".split(" ");
  execFileSync("openssl", [...made, "-addext", names, "-keyout", key, "-out", cert], { stdio: "ignore" });
  const secure = { isServer: true, key: readFileSync(key), cert: readFileSync(cert) };
  const provider = createServer((request, response) => void answer(request, response));
  const proxy = createServer();
  const tunnels = new Set<TLSSocket>();
  proxy.on("connect", (_, socket) => {
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    const tunnel = new TLSSocket(socket, secure);
    tunnels.add(tunnel);
    tunnel.on("error", () => tunnel.destroy()).on("close", () => tunnels.delete(tunnel));
    provider.emit("connection", tunnel);
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  return {
    env: { HTTPS_PROXY: url, NO_PROXY: "127.0.0.1", NODE_EXTRA_CA_CERTS: cert },
    async [Symbol.asyncDispose]() {
      for (const tunnel of tunnels) tunnel.destroy();
      proxy.close();
      await once(proxy, "close");
    },
  };
}

const account = { uuid: "11111111-1111-4111-8111-111111111111", email: "operator@hive.invalid" };
const organization = { uuid: "22222222-2222-4222-8222-222222222222", organization_type: "claude_max" };

/** What 2.1.332 asks during a sign-in: a token for the code, then whose it is. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = await text(request);
  const reply = (status: number, body: object) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  if (request.url === "/api/oauth/profile") return reply(200, { account, organization });
  if (request.url !== "/v1/oauth/token") return reply(404, {});
  const { code } = JSON.parse(asked) as { code: string };
  if (code !== goodCode) return reply(400, { error: "invalid_grant", error_description: "Invalid code" });
  const tokens = { access_token: accessToken, refresh_token: "sk-ant-ort01-fake", expires_in: 28_800 };
  reply(200, { token_type: "Bearer", scope: "user:profile user:inference", ...tokens });
}
