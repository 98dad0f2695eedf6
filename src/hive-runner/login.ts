/**
 * Signs an agent in, in its own sandbox: by a program of its coding agent that prints a link and reads a code, or with a
 * secret, which becomes a file that only this agent can read. Nothing of either is logged.
 *
 *   nothing → (link) → a program waits for the code → (code) → signed in, or refused and waiting still
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Launch } from "../contract/launch.ts";
import type { LoginAnswer, LoginStep } from "../contract/login.ts";
import { Refusal } from "../contract/refusal.ts";
import type { Clock } from "../daemon/clock.ts";
import type { Login } from "./drivers/driver.ts";
import { driverFor } from "./drivers/drivers.ts";
import { type AgentProcess, startProcess, writeSecrets } from "./launch.ts";

type Parts = {
  clock: Clock;
  /** the files with what the agent signs in with */
  secretsDirectory: string;
};

/** For the operator, who has to find the browser, the account and the code. */
const forgottenAfterMs = 15 * 60_000;
const linkWithinMs = 60_000;
/** The provider is asked meanwhile. */
const answerWithinMs = 60_000;
/** Once it has said something: measured with 2.1.332, it says that all is well before it ends, and what is not in the same way. */
const endWithinMs = 3_000;

export class AgentLogin {
  readonly #spec: Launch["spec"];
  readonly #parts: Parts;
  readonly #way: Login | undefined;
  #program: LoginProgram | null = null;

  constructor(spec: Launch["spec"], parts: Parts) {
    this.#spec = spec;
    this.#parts = parts;
    this.#way = driverFor(spec.driver).login;
  }

  /** @returns whether it is signed in now, and a link where one was asked for. @throws Refusal in the program's own words */
  async take(step: LoginStep): Promise<LoginAnswer & { isSignedIn: boolean }> {
    const way = this.#way;
    if (!way) throw noWay();
    switch (step.kind) {
      case "link":
        return { url: await this.#begin(way), isSignedIn: false };
      case "code":
        await this.#finish(step.code);
        await this.#keepOnly(way, null);
        return { url: null, isSignedIn: true };
      case "secret":
        await this.end();
        await this.#keepOnly(way, step.secret);
        return { url: null, isSignedIn: true };
    }
  }

  /** Ends what waits for a code. */
  async end(): Promise<void> {
    const program = this.#program;
    this.#program = null;
    await program?.process.end();
  }

  async #begin({ linkArguments }: Login): Promise<string> {
    if (linkArguments === null) throw onlySecrets();
    await this.end();
    const program = new LoginProgram(
      await startProcess({ ...this.#spec, argv: [...this.#spec.argv, ...linkArguments] }, (line) =>
        program.hear(`${line}\n`),
      ),
    );
    this.#program = program;
    void this.#parts.clock.wait(forgottenAfterMs, program.over).then(() => program.process.end());
    const said = await this.#waitFor(program, linkWithinMs, () => /https:\/\/\S+/.exec(program.said)?.[0]);
    if (said !== null) return said;
    await this.end();
    throw new Refusal(
      "no_login_link",
      `It prints no link. ${lastLine(program.said)}`.trim(),
      "Give it a secret instead.",
    );
  }

  async #finish(code: string): Promise<void> {
    const program = this.#program;
    if (!program || program.over.aborted) throw noLink();
    const before = program.said.length;
    program.process.stdin.write(`${code}\n`);
    const refused = await this.#waitFor(program, answerWithinMs, () => /\S.*\n/.exec(program.said.slice(before))?.[0]);
    await this.#waitFor(program, endWithinMs, () => undefined);
    if (program.over.aborted && program.process.hasSucceeded()) return;
    const words = lastLine(refused ?? program.said.slice(before)).replaceAll(code, "…");
    if (words === "" && program.over.aborted) throw noLink(); // it had ended before it could read the code
    throw new Refusal(
      "login_refused",
      words || "It did not take that code.",
      "Try the code again, or ask for a new link.",
    );
  }

  /** @returns null when it has ended or is late */
  async #waitFor(program: LoginProgram, withinMs: number, find: () => string | undefined): Promise<string | null> {
    const late = new AbortController();
    const signal = AbortSignal.any([late.signal, program.over]);
    const timer = this.#parts.clock.wait(withinMs, signal).then(() => late.abort());
    for (let found = find(); !signal.aborted; found = find()) {
      if (found !== undefined) {
        late.abort();
        return found;
      }
      await Promise.race([program.heard(), timer]);
    }
    return null;
  }

  /** Of several things to sign in with, a coding agent takes the one that it likes: there is only ever one. */
  async #keepOnly({ variables, variableOf }: Login, secret: string | null): Promise<void> {
    const { secretsDirectory } = this.#parts;
    const kept = secret === null ? null : variableOf(secret);
    if (kept !== null && secret !== null) {
      const content = Buffer.from(`${secret}\n`).toString("base64");
      await writeSecrets(secretsDirectory, [{ path: kept, content, executable: false }]);
    }
    for (const name of variables) if (name !== kept) await rm(join(secretsDirectory, name), { force: true });
  }
}

/** What it has said so far, kept for as long as it runs. */
class LoginProgram {
  readonly process: AgentProcess;
  /** aborted when it has ended */
  readonly over: AbortSignal;
  said = "";
  #heard = Promise.withResolvers<void>();

  constructor(process: AgentProcess) {
    this.process = process;
    const over = new AbortController();
    this.over = over.signal;
    process.stdout.setEncoding("utf8").on("data", (text: string) => this.hear(text));
    void process.exited.then(() => {
      over.abort();
      this.#heard.resolve();
    });
  }

  hear(text: string): void {
    this.said = (this.said + text).slice(-20_000);
    this.#heard.resolve();
    this.#heard = Promise.withResolvers();
  }

  heard = (): Promise<void> => this.#heard.promise;
}

/** Without the question that it answers: what is typed is not echoed, so both stand in one line. */
const lastLine = (text: string): string => (text.trim().split("\n").at(-1) ?? "").replace(/^[^>]*> /, "").slice(0, 500);

const noWay = () =>
  new Refusal(
    "no_login",
    "Its coding agent can't be signed in from here.",
    "Sign it in with its own command, or see `hive agent doctor` for what it needs.",
  );
const onlySecrets = () =>
  new Refusal("no_login_link", "Its coding agent has no link for that.", "Give it a key instead: with --secret.");
const noLink = () => new Refusal("no_login_link", "No link waits for a code.", "Ask for a link first.");
