/** Area `drivers`: what a turn costs beside the coding agent's own work, and what a burst of output costs the others. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { setImmediate as nextRound } from "node:timers/promises";
import { client, methods, ndJsonStream, PROTOCOL_VERSION } from "@agentclientprotocol/sdk";
import { drive } from "../drivers/driven.ts";
import { hostile, subjects } from "../drivers/subjects.ts";
import { prepare, withRunner } from "../runner/with-runner.ts";
import { bound, type Figure, interleave, median } from "./figure.ts";

export async function* drivers(isFull: boolean): AsyncIterable<Figure> {
  yield* turns(isFull ? 200 : 40);
  yield* burst(isFull ? 10 : 3);
}

/** The same agent, the same prompt: by the library alone, by the driver, and by a runner's loop up to its report. */
async function* turns(rounds: number): AsyncIterable<Figure> {
  const subject = await subjects["the script agent, over ACP"]?.start();
  if (!subject) throw new Error("the script agent is no subject any more");
  await using _ = subject;
  await using bare = await openBare(subject.argv);
  await using driven = drive(subject);
  await using stage = await withRunner();
  await stage.hived.runner("launch", await prepare(stage, "alice", "", { argv: subject.argv }));
  const turn = async () => {
    stage.hived.mail("alice", "say");
    await stage.hived.ends.next();
  };
  const measures = {
    library: () => time(() => bare.prompt("say")),
    driver: () => time(() => driven.turn("say")),
    loop: () => time(turn),
  };
  await interleave(5, measures);
  const { library, driver, loop } = await interleave(rounds, measures);
  const above = (ours: number[]) => median(ours) - median(library);
  yield bound("turn of the script agent by its driver, above the bare round trip", "ms", above(driver), 15);
  yield bound("the same from a wake to its report, above the bare round trip", "ms", above(loop), 15);
}

/** One agent writes 20,000 updates as fast as it can. What waits meanwhile is whatever else the runner has to do. */
async function* burst(rounds: number): AsyncIterable<Figure> {
  await using stage = await withRunner();
  const { hived } = stage;
  await hived.runner("launch", await prepare(stage, "alice", "", { argv: hostile.argv }));
  const turn = async () => {
    hived.mail("alice", "20,000 updates");
    const { evidence } = await hived.ends.next();
    if (evidence.outputs !== 20_000) throw new Error(`${evidence.outputs} of 20,000 updates came`);
  };
  const cpus: number[] = [];
  const blocks: number[] = [];
  await turn();
  for (let round = 0; round < rounds; round += 1) {
    const before = process.cpuUsage();
    blocks.push(await longestStretch(turn()));
    const { user, system } = process.cpuUsage(before);
    cpus.push((user + system) / 1_000);
  }
  yield bound("CPU of the runner for 20,000 updates", "ms", median(cpus), 1_000);
  yield bound("longest that they keep the runner from anything else", "ms", Math.max(...blocks), 50);
}

/** The most CPU time between two turns of the event loop: on a busy machine a clock would count other processes, too. */
async function longestStretch(work: Promise<void>): Promise<number> {
  let longest = 0;
  let isOver = false;
  void work.then(() => {
    isOver = true;
  });
  const spent = () => {
    const { user, system } = process.threadCpuUsage();
    return user + system;
  };
  for (let before = spent(); !isOver; ) {
    await nextRound();
    const now = spent();
    longest = Math.max(longest, now - before);
    before = now;
  }
  await work;
  return longest / 1_000;
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** A conversation with an agent by the library alone. */
async function openBare([program = "", ...args]: string[]) {
  const directory = mkdtempSync(join(tmpdir(), "hive-"));
  const env = { PATH: process.env["PATH"] ?? "", HIVE_STATE_DIR: directory };
  const child = spawn(program, args, { cwd: directory, env, stdio: ["pipe", "pipe", "inherit"] });
  const { agent } = client({ name: "bench" })
    .onNotification("*", () => undefined)
    .onNotification(methods.client.session.update, () => undefined)
    .connect(ndJsonStream(Writable.toWeb(child.stdin), Readable.toWeb(child.stdout) as ReadableStream<Uint8Array>));
  await agent.request(methods.agent.initialize, { protocolVersion: PROTOCOL_VERSION, clientCapabilities: {} });
  const { sessionId } = await agent.request(methods.agent.session.new, { cwd: directory, mcpServers: [] });
  let number = 0;
  return {
    prompt(body: string) {
      number += 1;
      const text = `Message ${number} from bob\n<<<0123456789abcdef\n${body}\n0123456789abcdef>>>`;
      return agent.request(methods.agent.session.prompt, { sessionId, prompt: [{ type: "text", text }] });
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
