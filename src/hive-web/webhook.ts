/** A delivery of the forge, handed to hived as it came: whether it is true is not decided here, where no secret is. */
import type { IncomingMessage } from "node:http";
import { Refusal } from "../contract/refusal.ts";
import type { routes } from "../contract/routes.ts";
import type { Client } from "../rpc/client.ts";
import { readJsonText } from "./body.ts";

const limitBytes = 5 * 1024 * 1024;

/** Bare hex beside `x-hub-signature-256: sha256=<hex>`: the same signature under the names of three forges. */
const bareSignatures = ["x-forgejo-signature", "x-gitea-signature", "x-gogs-signature"];

/** @throws Refusal when it is too large, unsigned, signed in two ways, or as hived said it; Fault while hived is away. */
export async function takeDelivery(
  hived: Pick<Client<typeof routes, "web">, "deliverWebhook">,
  request: IncomingMessage,
): Promise<{ accepted: boolean }> {
  const signature = signatureOf(request);
  const body = await readJsonText(request, limitBytes);
  return hived.deliverWebhook({
    id: header(request, "x-forgejo-delivery") || header(request, "x-gitea-delivery"),
    event: header(request, "x-forgejo-event") || header(request, "x-gitea-event"),
    signature,
    body,
  });
}

function signatureOf(request: IncomingMessage): string {
  const signature = header(request, "x-hub-signature-256");
  const others = bareSignatures.map((name) => header(request, name)).filter((value) => value !== "");
  if (/^sha256=[0-9a-f]{64}$/.test(signature) && others.every((other) => `sha256=${other}` === signature))
    return signature;
  throw new Refusal("bad_signature", "This delivery is not signed, or in two ways.", "Set the hook's secret again.");
}

/** One header of at most 200 characters; anything else counts as absent. */
function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return typeof value === "string" && value.length <= 200 ? value : "";
}
