/** The `hive` command. Each of its commands has a file in commands/, and is loaded when it is called. */
import { Command, CommanderError } from "commander";
import { addAgent } from "./commands/agent.ts";
import { addForge } from "./commands/forge.ts";
import { addToken } from "./commands/token.ts";
import { exitCodes, explain } from "./exit-codes.ts";
import { limit, wholeNumber } from "./whole-number.ts";

const hive = new Command("hive")
  .description("Runs a swarm of coding agents under one human operator, on top of a private git forge.")
  .helpCommand(false)
  .exitOverride();

const port = wholeNumber(1, 65_535, "It is a number from 1 to 65535.");
const hours = wholeNumber(1, 8_760, "It is a number of hours, from 1 to 8760.");
const offset = wholeNumber(0, Number.POSITIVE_INFINITY, "It is a number, 0 or more.");
const home = [
  "--home <directory>",
  "where the hive lives (default: $HIVE_HOME, else ~/.local/share/hyperhive)",
] as const;

hive
  .command("up")
  .description("start the hive, print the ways in, and keep it running until Ctrl-C")
  .option(...home)
  .option("--forge-url <url>", "use this forge instead of an own one; decided at the first start")
  .option("--admin-token-file <file>", "holds a token of a site administrator of that forge, with all scopes")
  .option("--forge-port <port>", "serve an own forge there; decided at the first start", port)
  .option("--dashboard-port <port>", "from now on serve the dashboard there", port)
  .option("--nudge-after <hours>", "from now on remind agents of what is open for so long (at first: 24)", hours)
  .option("--user <user>", "as whom to run, when started by root (default: a fixed number without an account)")
  .action(async (options, command: Command) => {
    if ((options.forgeUrl === undefined) !== (options.adminTokenFile === undefined))
      command.error("error: --forge-url and --admin-token-file belong together");
    if (options.forgeUrl !== undefined && options.forgePort !== undefined)
      command.error("error: --forge-port is of an own forge, and --forge-url names another");
    const { up } = await import("./commands/up.ts");
    process.exitCode = await up(options);
  });

hive
  .command("down")
  .description("stop a running hive in order")
  .option(...home)
  .action(async (options) => {
    const { down } = await import("./commands/down.ts");
    process.exitCode = await down(options);
  });

hive
  .command("status")
  .description("show the processes, the forge and the agents of a running hive")
  .option(...home)
  .option("--json", "for programs; docs/cli.md describes it")
  .action(async (options) => {
    const { status } = await import("./commands/status.ts");
    process.exitCode = await status(options);
  });

hive
  .command("approvals")
  .description("show what waits for an approval in a running hive, or what one approval would allow")
  .argument("[number]", "the pull request's number")
  .option(...home)
  .option("--json", "for programs; docs/cli.md describes it")
  .action(async (number, options) => {
    const { approvals } = await import("./commands/approvals.ts");
    process.exitCode = await approvals(number, options);
  });

hive
  .command("approve")
  .description("approve a pull request on hive/agents at its present head, as the operator")
  .argument("<number>", "its number in `hive approvals`")
  .option("--head <commit>", "only if that is still its head; its first 7 digits are enough")
  .option(...home)
  .action(async (number, options) => {
    const { approve } = await import("./commands/approvals.ts");
    process.exitCode = await approve(number, options);
  });

hive
  .command("deny")
  .description("close a pull request on hive/agents without merging it, as the operator")
  .argument("<number>", "its number in `hive approvals`")
  .requiredOption("--reason <text>", "what whoever proposed it is told")
  .option(...home)
  .action(async (number, options) => {
    const { deny } = await import("./commands/approvals.ts");
    process.exitCode = await deny(number, options);
  });

hive
  .command("threads")
  .description("show what still waits for you, or for an agent: approvals, questions, pull requests, oldest first")
  .argument("[agent]", "its name; the manager sees the whole hive", "operator")
  .option("--offset <number>", "how many of the oldest to leave out", offset, 0)
  .option(...home)
  .option("--json", "for programs; docs/cli.md describes it")
  .action(async (viewer, options) => {
    const { threads } = await import("./commands/threads.ts");
    process.exitCode = await threads(viewer, options);
  });

hive
  .command("answer")
  .description("answer a question of a running hive, as the operator")
  .argument("<question>", "its number in `hive threads`")
  .argument("<answer...>", "where there are options: the text or the number of one, several with commas")
  .option(...home)
  .action(async (question, words, options) => {
    const { answer } = await import("./commands/answer.ts");
    process.exitCode = await answer(question, words.join(" "), options);
  });

hive
  .command("messages")
  .description("show what waits in the inboxes of a running hive, dead letters first")
  .argument("[recipient]", "an agent, or operator; all when it is left out")
  .option(...home)
  .option("--json", "for programs; docs/cli.md describes it")
  .action(async (recipient, options) => {
    const { messages } = await import("./commands/messages.ts");
    process.exitCode = await messages(recipient, options);
  });

hive
  .command("retry")
  .description("queue a dead or cancelled message again")
  .argument("<entry>", "its number in `hive messages`")
  .option(...home)
  .action(async (entry, options) => {
    const { retry } = await import("./commands/messages.ts");
    process.exitCode = await retry(entry, options);
  });

hive
  .command("turns")
  .description("show the newest turns of an agent of a running hive, or one of them with all that is known of it")
  .argument("<agent>", "its name")
  .argument("[turn]", "the beginning of its id in the list")
  .option(...home)
  .option("--limit <number>", "how many to list", limit, 20)
  .option("--json", "for programs; docs/cli.md describes it")
  .action(async (agent, turn, options) => {
    const { turns } = await import("./commands/turns.ts");
    process.exitCode = await turns(agent, turn, options);
  });

hive
  .command("canary")
  .description("try whether agents' loops wake up, and show how long each part of the way takes; costs no turn")
  .argument("[agent]", "all that are up and in no turn when it is left out")
  .option(...home)
  .option("--json", "for programs; docs/cli.md describes it")
  .action(async (agent, options) => {
    const { canary } = await import("./commands/canary.ts");
    process.exitCode = await canary(agent, options);
  });

hive
  .command("mcp")
  .description("serve an agent's tools on stdio, for its coding agent; run inside its sandbox")
  .argument("<socket>", "the socket of the agent's launch")
  .action(async (socket) => {
    const { mcp } = await import("./commands/mcp.ts");
    await mcp(socket);
  });

hive
  .command("sendmail", { hidden: true })
  .description("send a mail; run by the hive's own Forgejo, as it would run sendmail")
  .argument("<settings>", "the hive's mail.json")
  .argument("[recipients...]")
  .option("-f <sender>", "is in the settings")
  .option("-i", "a dot alone ends no mail, as ever")
  .action(async (settings, recipients) => {
    const { sendmail } = await import("./commands/sendmail.ts");
    await sendmail(settings, recipients);
  });

addAgent(hive, home);
addForge(hive, home);
addToken(hive, home);

try {
  await hive.parseAsync();
} catch (error) {
  // Commander has printed its own errors, and what was asked of it with --help.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  else {
    const { text, code } = explain(error);
    process.stderr.write(text);
    process.exitCode = code;
  }
}
process.exit(); // a timer or a connection that is left must not hold the command
