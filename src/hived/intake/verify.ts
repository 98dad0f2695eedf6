/** Whether a delivery comes from our forge: its signature is over these very bytes, with the secret that only we two know. */
import { Webhooks } from "@octokit/webhooks";
import { Refusal } from "../../contract/refusal.ts";

export type Delivery = { id: string; event: string; signature: string; body: string };

/** @throws Refusal `bad_signature`, `bad_delivery` */
export async function verifyDelivery(secret: string, { id, signature, body }: Delivery): Promise<void> {
  if (!id || !body)
    throw new Refusal("bad_delivery", "This delivery has no id or no body.", "Send it as the forge does.");
  // An empty signature is what the forge sends when its hook has no secret.
  const isOurs = signature !== "" && (await new Webhooks({ secret }).verify(body, signature));
  if (isOurs) return;
  throw new Refusal("bad_signature", "This delivery is not signed by our forge.", "Provision the forge's hook again.");
}
