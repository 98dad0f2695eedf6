/** hived's lifecycle on a real forge, with a runner that the test plays. */
import { join } from "node:path";
import { AgentName, type ObjectId } from "../../src/contract/names.ts";
import { convergingApprovals, putApproval } from "../../src/hived/approvals/approvals.ts";
import { agentsChangedBy } from "../../src/hived/approvals/look.ts";
import { failApproval, tellDestroyed } from "../../src/hived/approvals/outcomes.ts";
import { revertAgent } from "../../src/hived/approvals/revert.ts";
import { tellDeployment } from "../../src/hived/approvals/tell-deployment.ts";
import type { Runner } from "../../src/hived/core.ts";
import { agentsRepo } from "../../src/hived/forge/plan.ts";
import { provision, provisionAgent } from "../../src/hived/forge/provision.ts";
import { retireAgent } from "../../src/hived/forge/retire-agent.ts";
import { converge } from "../../src/hived/lifecycle/converge.ts";
import { followMain } from "../../src/hived/lifecycle/follow-main.ts";
import type { LifecycleParts } from "../../src/hived/lifecycle/parts.ts";
import { parseDeploymentKey } from "../../src/hived/lifecycle/wishes.ts";
import { openBroker } from "../support/open-broker.ts";
import type { TestCore } from "../support/open-core.ts";
import { type Provisioned, partsFor } from "../support/provisioned.ts";
import { withToken } from "../support/raw-forge.ts";
import type { RunningForge } from "../support/running-forge.ts";
import { type Cut, openCut } from "./cut.ts";

export type Lifecycle = Awaited<ReturnType<typeof openLifecycle>>;

export const yaml = "role: worker\nharness: { driver: acp, profile: script }\nruntime: { driver: process }\n";

export async function openLifecycle(forge: RunningForge) {
  let parts: Parts | undefined;
  const cut = openCut();
  const made = () => {
    if (!parts) throw new Error("the parts are made first");
    return parts;
  };
  const work = (core: TestCore, runner: Runner) => {
    parts = lifecycleParts(partsFor(core, forge), runner, cut);
    const done = async (run: Promise<unknown>) => {
      await run;
      return undefined;
    };
    return {
      converge: { atOnce: 8, run: (key: string) => converge(made(), AgentName.parse(key)) },
      "follow-main": { atOnce: 1, run: () => done(followMain(made())) },
      revert: { atOnce: 1, run: (key: string) => done(revertAgent(made(), AgentName.parse(key))) },
      "tell-deployment": { atOnce: 1, run: (key: string) => done(tellDeployment(made(), ...parseDeploymentKey(key))) },
      ...Object.fromEntries(
        ["reconcile", "update-docs", "refresh", "approval", "tell-pull", "retire-tokens"].map((kind) => [
          kind,
          { atOnce: 1, run: async () => undefined },
        ]),
      ),
    };
  };
  const broker = await openBroker(undefined, work);
  const { core } = broker;
  const { forgeParts } = made();
  await provision(forgeParts);
  const operator = withToken(forge.url, forgeParts.tokens.read("operator") ?? "");
  const contents = (path: string) => `/repos/${agentsRepo}/contents/${path}`;
  /** The operator writes, or with null removes, a file on main. */
  const write = async (path: string, text: string | null): Promise<void> => {
    const there = (await operator.status("GET", contents(path))) === 200;
    const sha = there ? ((await operator.call("GET", contents(path))) as { sha: string }).sha : undefined;
    const body = { branch: "main", message: `Write ${path}`, ...(sha !== undefined && { sha }) };
    if (text === null) return void (await operator.call("DELETE", contents(path), body));
    const content = Buffer.from(text).toString("base64");
    await operator.call(there ? "PUT" : "POST", contents(path), { ...body, content });
  };
  const main = async () => (await forgeParts.forge.as("hive-bot").readBranch(agentsRepo, "main"))?.commit as ObjectId;
  return {
    parts: made(),
    cut,
    forgeParts,
    broker,
    core,
    operator,
    main,
    followMain: () => core.db.write((tx) => core.scheduler.enqueue(tx, "follow-main", "")),
    write,
    /** The operator pushes an agent's directory to main, or a new version of it. */
    push: (agent: string, content = yaml) => write(`agents/${agent}/agent.yaml`, content),
    remove: (agent: string) => write(`agents/${agent}/agent.yaml`, null),
    /** A pull request that was merged and waits for its agent, proposed by the manager. */
    async merged(number: number, agent: string): Promise<void> {
      const head = await main();
      await core.db.write((tx) =>
        putApproval(tx, core, {
          number,
          kind: "spawn",
          agent,
          submitter: AgentName.parse("boss"),
          summary: `Add ${agent}`,
          head,
          state: "converging",
          problem: null,
          permissions: [],
          url: `${forge.url}/${agentsRepo}/pulls/${number}`,
          openedAt: core.clock.now(),
          mergeCommit: head,
          circumstances: "main ",
        }),
      );
    },
  };
}

type Parts = LifecycleParts & { forgeParts: Provisioned; scratch: string };

function lifecycleParts(forgeParts: Provisioned, runner: Runner, cut: Cut): Parts {
  const nothing = async () => undefined;
  const [core, forge] = [cut.core(forgeParts.core), cut.forge(forgeParts.forge)];
  const cutParts = { ...forgeParts, core, forge };
  const parts = {
    core,
    runner: cut.runner(runner),
    forge,
    forgeUrl: forgeParts.forge.url,
    tokens: forgeParts.tokens,
    sockets: { open: nothing, close: nothing },
    provisionAgent: async (agent: AgentName, role: "manager" | "worker") => {
      await provisionAgent(cutParts, agent, role);
    },
    retireAgent: (agent: AgentName) => retireAgent(cutParts, agent),
    waitingApprovals: convergingApprovals,
    agentsChangedBy: (number: number) => agentsChangedBy(forge.as("hive-bot"), number),
    failApproval: (number: number, problem: string) => failApproval(cutParts, number, problem),
    tellDestroyed: (agent: string) => tellDestroyed(cutParts, agent),
  };
  return { ...parts, forgeParts, scratch: join(forgeParts.core.directory, "scratch") };
}
