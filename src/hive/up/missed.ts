/** Tells hived what it can't see: that somebody was away on whose way the forge's webhooks come, which rings only once. */
import { Fault } from "../../contract/fault.ts";
import { routes } from "../../contract/routes.ts";
import { client } from "../../rpc/client.ts";

/** While hived itself is away there is nothing to tell: it looks for what it missed at its start. */
export async function tellMissed(adminSocket: string): Promise<void> {
  const hived = client(routes, "admin", adminSocket);
  try {
    await hived.reconcile({});
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  } finally {
    await hived.close();
  }
}
