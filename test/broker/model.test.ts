/**
 * Whatever is sent, leased, ended, cancelled or forgotten, wherever hived and its runner are killed, and however the clock
 * jumps: hived's broker is as the model says, no accepted message is lost, none is handled without a proven turn, each
 * recipient gets its messages in order, and in the end nothing waits.
 */
import fc from "fast-check";
import { afterAll, beforeAll, test } from "vitest";
import { Outcome } from "../../src/contract/turn.ts";
import { howMany, whichStories } from "../support/stories.ts";
import { type Name, names } from "./broker-model.ts";
import { type Crash, makeTemplate, World } from "./broker-world.ts";

const inTest = 300;
const runs = howMany(inTest);

let template: Awaited<ReturnType<typeof makeTemplate>>;
beforeAll(async () => {
  template = await makeTemplate();
});
afterAll(() => template.remove());

type Step = { name: string; run(world: World): Promise<unknown> };

const who = fc.constantFrom<Name>(...names);
const nat = fc.nat({ max: 1000 });
const crash: fc.Arbitrary<Crash> = fc.option(
  fc.record({
    at: fc.integer({ min: 1, max: 3 }),
    when: fc.constantFrom("before" as const, "after" as const),
    runner: fc.constantFrom("keeps" as const, "keeps" as const, "dies" as const, "late" as const),
  }),
  { freq: 5 },
);
const ending = fc.record({
  outcome: fc.oneof(fc.constant("ok" as const), fc.constantFrom(...Outcome.options)),
  isProven: fc.oneof(fc.constant(true), fc.boolean()),
  answered: fc.constantFrom("all" as const, "first" as const, "none" as const),
  retryAfterMs: fc.option(fc.constantFrom(1_000, 100_000), { freq: 2 }),
  requeues: fc.boolean(),
});

/** A step with what is drawn for it, which is also how a failure shows it. */
const step = <Drawn extends unknown[]>(
  name: string,
  drawn: { [Key in keyof Drawn]: fc.Arbitrary<Drawn[Key]> },
  run: (world: World, ...values: Drawn) => unknown,
): fc.Arbitrary<Step> =>
  fc.tuple<Drawn>(...drawn).map((values) => ({
    name: `${name} ${values.map((value) => JSON.stringify(value)).join(" ")}`,
    run: async (world) => run(world, ...values),
  }));

const sender = fc.constantFrom("operator" as const, ...names);
const steps = fc.oneof(
  { weight: 8, arbitrary: step("send", [sender, fc.constantFrom(...names, "operator", "*"), crash], send) },
  {
    weight: 8,
    arbitrary: step("lease", [who, fc.integer({ min: 1, max: 3 }), crash], (world, ...drawn) => world.lease(...drawn)),
  },
  {
    weight: 4,
    arbitrary: step("recv", [who, fc.integer({ min: 1, max: 2 }), crash], (world, ...drawn) => world.recv(...drawn)),
  },
  { weight: 8, arbitrary: step("end", [who, ending, crash], (world, ...drawn) => world.end(...drawn)) },
  { weight: 1, arbitrary: step("report again", [who], (world, name) => world.reportAgain(name)) },
  { weight: 1, arbitrary: step("report foreign", [who], (world, name) => world.reportForeign(name)) },
  { weight: 1, arbitrary: step("lose launch", [who, crash], (world, ...drawn) => world.loseLaunch(...drawn)) },
  { weight: 1, arbitrary: step("begin rebuild", [who], (world, name) => world.beginRebuild(name)) },
  { weight: 4, arbitrary: step("launch", [who], (world, name) => world.launch(name)) },
  { weight: 3, arbitrary: step("tick", [who, crash], (world, ...drawn) => world.tick(...drawn)) },
  { weight: 1, arbitrary: step("cancel", [nat, crash], (world, ...drawn) => world.cancel(...drawn)) },
  { weight: 2, arbitrary: step("retry", [nat, crash], (world, ...drawn) => world.retry(...drawn)) },
  { weight: 1, arbitrary: step("cancel queued", [who, crash], (world, ...drawn) => world.cancelQueued(...drawn)) },
  { weight: 1, arbitrary: step("read", [nat, crash], (world, ...drawn) => world.read(...drawn)) },
  { weight: 2, arbitrary: step("unpark", [who], (world, name) => world.unpark(name)) },
  { weight: 1, arbitrary: step("forget", [crash], (world, drawn) => world.forget(drawn)) },
  {
    weight: 1,
    arbitrary: step("restart", [fc.constantFrom("keeps" as const, "dies" as const, "late" as const)], (world, runner) =>
      world.restart(runner),
    ),
  },
  { weight: 1, arbitrary: step("break link", [], (world) => world.breakLink()) },
  {
    weight: 5,
    arbitrary: step(
      "pass",
      [fc.constantFrom(1, 5_000, 60_000, 3_600_000, 31 * 86_400_000, -60_000, -86_400_000)],
      (world, ms) => world.pass(ms),
    ),
  },
);

function send(world: World, from: Name | "operator", to: string, drawn: Crash): Promise<void> {
  return from === to ? Promise.resolve() : world.send(from, to, drawn);
}

class Command implements fc.AsyncCommand<object, World> {
  private readonly step: Step;
  constructor(one: Step) {
    this.step = one;
  }
  check = () => true;
  run = async (_: object, world: World) => void (await this.step.run(world));
  toString = () => this.step.name;
}

test(`no message is lost, doubled or out of order in ${runs} stories`, {
  timeout: 120_000 + runs * 1_000,
}, async () => {
  const stories = fc.commands([steps.map((one) => new Command(one))], { maxCommands: 60, size: "max" });
  await fc.assert(
    fc.asyncProperty(stories, async (commands) => {
      const world = new World();
      try {
        await world.open(template.directory);
        await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);
        await world.settle();
      } finally {
        await world.close();
      }
    }),
    whichStories(inTest),
  );
});
