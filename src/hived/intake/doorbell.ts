/**
 * A webhook is a doorbell: it says where to look, and nothing that it tells is believed. The bell is on disk before the
 * forge is answered, for it never rings twice for the same thing.
 */
import { z } from "zod";
import { Refusal } from "../../contract/refusal.ts";
import type { Tokens } from "../agents/tokens.ts";
import type { Core } from "../core.ts";
import type { Transaction } from "../database/write.ts";
import { isKnown } from "../forge/forge-items.ts";
import { firstAgent, noteGuest } from "../forge/guest-repos.ts";
import type { ForgeHealthKeeper } from "../forge/health.ts";
import { hookSecret } from "../forge/hooks.ts";
import { agentsRepo, bot, docsRepo } from "../forge/plan.ts";
import { ownerReader, RepoName, ringItem } from "../forge/refresh.ts";
import { addDelivery } from "./deliveries.ts";
import { type Delivery, verifyDelivery } from "./verify.ts";

type Parts = {
  core: Core;
  secrets: Pick<Tokens, "read" | "write">;
  health: Pick<ForgeHealthKeeper, "noteDelivery">;
};

const User = z.object({ login: z.string() }).nullish();
const Numbered = z.object({ number: z.number().int().positive() });

/** What all of Forgejo's events have in common, and of each only where it points. */
const Payload = z.object({
  repository: z.object({ full_name: RepoName }).nullish(),
  sender: User,
  issue: Numbered.nullish(),
  pull_request: Numbered.extend({ user: User, requested_reviewers: z.array(User).nullish() }).nullish(),
  /** of a push: the full name of the branch or tag */
  ref: z.string().nullish(),
});
type Payload = z.output<typeof Payload>;

/** @returns `accepted: false` for a delivery that came before. @throws Refusal for one that is not our forge's */
export async function deliverWebhook(
  { core, secrets, health }: Parts,
  delivery: Delivery,
): Promise<{ accepted: boolean }> {
  await verifyDelivery(hookSecret(secrets), delivery);
  health.noteDelivery();
  const payload = parse(delivery.body);
  return core.db.write((tx) => {
    const accepted = addDelivery(tx, delivery.id, core.clock.now());
    if (accepted) ring(tx, core, delivery.event, payload);
    return { accepted };
  });
}

function parse(body: string): Payload {
  try {
    return Payload.parse(JSON.parse(body));
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error;
    throw new Refusal("bad_delivery", "This delivery is not of the forge's shape.", "Set the hook to send JSON.");
  }
}

/** Work that follows a push to main of a repository. */
const followers: Record<string, string> = { [agentsRepo]: "follow-main", [docsRepo]: "update-docs" };

function ring(tx: Transaction, core: Core, event: string, { repository, sender, ...payload }: Payload): void {
  const repo = repository?.full_name;
  if (!repo) return;
  const follower = followers[repo];
  if (event === "push") {
    if (payload.ref === "refs/heads/main" && follower) core.scheduler.enqueue(tx, follower, "");
    return;
  }
  const number = payload.issue?.number ?? payload.pull_request?.number;
  // What the bot did it rings for itself; it wakes nobody.
  if (number === undefined || sender?.login === bot) return;
  if (ownerReader(tx, repo) === null && !isGuests(tx, repo, number, payload.pull_request)) return;
  ringItem(tx, core, repo, number);
}

/** Whether an agent has a part in somebody else's pull request, or had; who it is can read it. */
function isGuests(tx: Transaction, repo: string, number: number, pull: Payload["pull_request"]): boolean {
  const users = [pull?.user, ...(pull?.requested_reviewers ?? [])].map((user) => user?.login ?? "");
  const agent = firstAgent(tx, users);
  if (agent) noteGuest(tx, repo, agent);
  return agent !== null || isKnown(tx, { repo, number });
}
