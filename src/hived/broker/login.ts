/** Signs an agent in: what the operator enters goes through to the runner, and nothing of it is kept here. */
import { isUp } from "../../contract/agent.ts";
import type { LoginAnswer, LoginStep } from "../../contract/login.ts";
import type { AgentName } from "../../contract/names.ts";
import { changeAgent, notUp, requireAgent } from "../agents/agents.ts";
import type { Core, Runner } from "../core.ts";
import { noteIn } from "../events/note.ts";

type Parts = { core: Core; runner: Pick<Runner, "call"> };

/** Once it is signed in it goes on, if it waited for somebody. @throws Refusal without a process, or as its program says it */
export async function loginAgent({ core, runner }: Parts, agent: AgentName, step: LoginStep): Promise<LoginAnswer> {
  const row = core.db.read((reader) => requireAgent(reader, agent));
  if (row.launch === null || !(isUp(row) || row.turn !== null)) throw notUp(row, "process");
  const { url, isSignedIn } = await runner.call("login", { launch: row.launch, step });
  if (isSignedIn)
    await core.db.write((tx) => {
      noteIn(tx, core, `The operator signed ${agent} in.`);
      const { state, retry_at } = requireAgent(tx, agent);
      if (state === "parked" && retry_at === null) changeAgent(tx, core, agent, { state: "idle", problem: null });
    });
  return { url };
}
