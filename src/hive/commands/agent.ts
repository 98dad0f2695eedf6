/** `hive agent`: what the operator does to one agent at once; the verbs are loaded when one is called. */
import type { Command } from "commander";
import { limit } from "../whole-number.ts";

type Home = readonly [flags: string, description: string];

/** @param home the option that tells where the hive lives */
export function addAgent(hive: Command, home: Home): void {
  const agent = hive.command("agent").description("act on an agent of a running hive, at once").helpCommand(false);
  addConversation(agent, home);
  addLooks(agent, home);
  addCourse(agent, home);
}

const verbs = () => import("./agent-verbs.ts");

/** Its turn, and its conversation. */
function addConversation(agent: Command, home: Home): void {
  agent
    .command("cancel")
    .description("end its running turn; its messages are given up, and can be had again by `hive retry`")
    .argument("<agent>", "its name")
    .option("--requeue", "queue its messages again instead")
    .option(...home)
    .action(async (name, options) => {
      process.exitCode = await (await verbs()).cancel(name, options);
    });
  agent
    .command("compact")
    .description("have it make its conversation smaller")
    .argument("<agent>", "its name")
    .option(...home)
    .action(async (name, options) => {
      process.exitCode = await (await verbs()).change(name, { kind: "compact" }, options);
    });
  agent
    .command("model")
    .description("have it use another of the models that its coding agent offers, from its next turn on")
    .argument("<agent>", "its name")
    .argument("<model>", "as its coding agent calls it; a wrong one is refused with those that there are")
    .option(...home)
    .action(async (name, model, options) => {
      process.exitCode = await (await verbs()).change(name, { kind: "model", model }, options);
    });
  agent
    .command("new-session")
    .description("have it forget its conversation and begin a new one")
    .argument("<agent>", "its name")
    .option(...home)
    .action(async (name, options) => {
      process.exitCode = await (await verbs()).change(name, { kind: "new" }, options);
    });
}

/** What it is told and needs, and the versions that it has had. */
function addLooks(agent: Command, home: Home): void {
  agent
    .command("prompt")
    .description("print what it is told at the start of its next conversation")
    .argument("<agent>", "its name")
    .option(...home)
    .action(async (name, options) => {
      process.exitCode = await (await import("./agent-prompt.ts")).agentPrompt(name, options);
    });
  agent
    .command("doctor")
    .description("try, where it runs, all that it needs: its coding agent, its sign-in, its provider, its tools, git")
    .argument("<agent>", "its name")
    .option(...home)
    .option("--json", "for programs; docs/cli.md describes it")
    .action(async (name, options) => {
      process.exitCode = await (await import("./agent-doctor.ts")).agentDoctor(name, options);
    });
  agent
    .command("login")
    .description("sign it in with its provider: by a link, or with a key or token that is asked for")
    .argument("<agent>", "its name")
    .option("--secret", "with a key or a token, which is read from the terminal or a pipe")
    .option(...home)
    .action(async (name, options) => {
      process.exitCode = await (await import("./agent-login.ts")).agentLogin(name, options);
    });
  agent
    .command("history")
    .description("show the versions that it has had, newest first, what became of each, and who brought it")
    .argument("<agent>", "its name")
    .option("--limit <number>", "how many to list", limit, 20)
    .option(...home)
    .option("--json", "for programs; docs/cli.md describes it")
    .action(async (name, options) => {
      const { history } = await import("./history.ts");
      process.exitCode = await history(name, options);
    });
}

/** What becomes of it: another version, another process, going on. */
function addCourse(agent: Command, home: Home): void {
  agent
    .command("revert")
    .description(
      "put it on main of hive/agents back to the version that runs, by a pull request that you approve herewith",
    )
    .argument("<agent>", "its name")
    .option(...home)
    .action(async (name, options) => {
      process.exitCode = await (await verbs()).revert(name, options);
    });
  agent
    .command("restart")
    .description("start its process anew after its running turn; its conversation and its messages are kept")
    .argument("<agent>", "its name")
    .option("--now", "cut its turn off, whose messages are queued again")
    .option(...home)
    .action(async (name, options) => {
      process.exitCode = await (await verbs()).restart(name, options);
    });
  agent
    .command("rebuild")
    .description("make it anew from main of hive/agents; a version that failed to start is tried once more")
    .argument("<agent>", "its name")
    .option(...home)
    .action(async (name, options) => {
      process.exitCode = await (await verbs()).rebuild(name, options);
    });
  agent
    .command("unpark")
    .description("let it go on that is parked, as what stood in its way is seen to")
    .argument("<agent>", "its name")
    .option(...home)
    .action(async (name, options) => {
      process.exitCode = await (await verbs()).unpark(name, options);
    });
  agent
    .command("lift-rest")
    .description("let two agents write to each other that rest after too many messages")
    .argument("<agent>", "one of them")
    .argument("<other>", "the other")
    .option(...home)
    .action(async (name, other, options) => {
      process.exitCode = await (await verbs()).liftRest(name, other, options);
    });
}
