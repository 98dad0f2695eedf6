/**
 * Whatever people do on the forge and whatever the wire does to what it tells, after the next reconciliation hived's
 * projection is the forge, and nothing was told twice.
 */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Event } from "../../src/contract/facts.ts";
import { howMany, whichStories } from "../support/stories.ts";
import { makeTemplate, notes, type PersonName, type Template, World } from "./wire-world.ts";

const inTest = 100;
const runs = howMany(inTest);

let template: Template;
beforeAll(async () => {
  template = await makeTemplate();
});
afterAll(() => template[Symbol.asyncDispose]());

type Step = { name: string; run(world: World): Promise<unknown> };
const nat = fc.nat({ max: 1000 });
const someone = fc.constantFrom<PersonName>("alice", "bob", "operator");
/** within the same second, in the next, or much later */
const after = fc.constantFrom(0, 0, 400, 1000, 90_000);

const pick = <Item>(list: readonly Item[], index: number): Item | undefined => list[index % list.length];
const itemAt = (world: World, index: number) => pick([...world.items, ...world.questions()], index);
const pullAt = (world: World, index: number) =>
  pick(
    world.items.filter(({ isPull }) => isPull),
    index,
  );
const numberOf = (answer: unknown): number => (answer as { number: number }).number;

/** Something that a person does on an item; the forge may refuse it, and then nothing has happened. */
const onItem = (
  name: string,
  kind: "any" | "pull",
  action: (
    item: { repo: string; number: number },
    who: (name: PersonName) => ReturnType<World["as"]>,
    by: PersonName,
  ) => Promise<unknown>,
): fc.Arbitrary<Step> =>
  fc.tuple(nat, someone, after).map(([index, by, ms]) => ({
    name: `${name} ${index} ${by} +${ms}`,
    run: async (world) => {
      const item = kind === "pull" ? pullAt(world, index) : itemAt(world, index);
      if (item) await world.act(ms, () => action(item, world.as, by));
    },
  }));

const issuePath = ({ repo, number }: { repo: string; number: number }) => `/repos/${repo}/issues/${number}`;
const pullPath = ({ repo, number }: { repo: string; number: number }) => `/repos/${repo}/pulls/${number}`;

const openIssue: fc.Arbitrary<Step> = fc.tuple(someone, after).map(([by, ms]) => ({
  name: `openIssue ${by} +${ms}`,
  run: (world) =>
    world.act(ms, async () => {
      const number = numberOf(await world.as(by).call("POST", `/repos/${notes}/issues`, { title: "a thing" }));
      world.items.push({ repo: notes, number, isPull: false });
    }),
}));

const openPull: fc.Arbitrary<Step> = fc.tuple(someone, after).map(([by, ms]) => ({
  name: `openPull ${by} +${ms}`,
  run: (world) =>
    world.act(ms, async () => {
      const head = await world.branch(by);
      const pull = await world.as(by).call("POST", `/repos/${notes}/pulls`, { head, base: "main", title: head });
      world.items.push({ repo: notes, number: numberOf(pull), isPull: true });
    }),
}));

let edits = 0;
const nextEdit = (): number => {
  edits += 1;
  return edits;
};
const forgeSteps: fc.Arbitrary<Step>[] = [
  openIssue,
  openIssue,
  openPull,
  onItem("close", "any", (item, who, by) => who(by).status("PATCH", issuePath(item), { state: "closed" })),
  onItem("reopen", "any", (item, who, by) => who(by).status("PATCH", issuePath(item), { state: "open" })),
  onItem("edit", "any", (item, who, by) =>
    who(by).status("PATCH", issuePath(item), { title: `by ${by} ${nextEdit()}` }),
  ),
  onItem("label", "any", (item, who, by) => who(by).status("PUT", `${issuePath(item)}/labels`, { labels: ["later"] })),
  onItem("assign", "any", (item, who, by) => who("alice").status("PATCH", issuePath(item), { assignees: [by] })),
  onItem("unassign", "any", (item, who) => who("alice").status("PATCH", issuePath(item), { assignees: [] })),
  onItem("comment", "any", (item, who, by) =>
    who(by).status("POST", `${issuePath(item)}/comments`, { body: "a word" }),
  ),
  onItem("answer", "any", (item, who, by) =>
    who(by).status("POST", `${issuePath(item)}/comments`, { body: "/answer this" }),
  ),
  ...(["APPROVED", "REQUEST_CHANGES", "COMMENT"] as const).map((event) =>
    onItem(event, "pull", (item, who, by) =>
      who(by).status("POST", `${pullPath(item)}/reviews`, { event, body: "hm" }),
    ),
  ),
  onItem("askReview", "pull", (item, who, by) =>
    who("alice").status("POST", `${pullPath(item)}/requested_reviewers`, { reviewers: [by] }),
  ),
  onItem("unaskReview", "pull", (item, who, by) =>
    who("alice").status("DELETE", `${pullPath(item)}/requested_reviewers`, { reviewers: [by] }),
  ),
  onItem("push", "pull", async (item, who, by) => {
    const pull = (await who(by).call("GET", pullPath(item))) as { head: { ref: string } };
    await who(by).status("POST", `/repos/${item.repo}/contents/push-${nextEdit()}.md`, {
      content: "aGk=",
      message: "push",
      branch: pull.head.ref,
    });
  }),
  onItem("merge", "pull", (item, who, by) => who(by).status("POST", `${pullPath(item)}/merge`, { Do: "merge" })),
];

const deleteNotes: fc.Arbitrary<Step> = after.map((ms) => ({
  name: `deleteRepo +${ms}`,
  run: (world) => world.act(ms, () => world.replaceNotes()),
}));

const onWire = (name: string, act: (world: World, at: number) => Promise<unknown> | unknown): fc.Arbitrary<Step> =>
  nat.map((index) => ({
    name: `${name} ${index}`,
    run: async (world) => {
      if (world.wire.length > 0) await act(world, index % world.wire.length);
    },
  }));

const take = (world: World, at: number) => world.wire.splice(at, 1)[0] as World["wire"][number];
const forgeries = (delivery: World["wire"][number]): World["wire"][number][] => [
  { ...delivery, id: `${delivery.id}-forged`, body: `${delivery.body} ` },
  { ...delivery, signature: `sha256=${"0".repeat(64)}` },
  { ...delivery, signature: "" },
];

const wireSteps: fc.Arbitrary<Step>[] = [
  onWire("deliver", (world, at) => world.deliver(take(world, at))),
  onWire("deliver", (world, at) => world.deliver(take(world, at))),
  onWire("deliverFirst", (world) => world.deliver(take(world, 0))),
  onWire("double", async (world, at) => world.deliver(world.wire[at] as World["wire"][number])),
  onWire("lose", take),
  onWire("forge", async (world, at) => {
    for (const forged of forgeries(world.wire[at] as World["wire"][number])) {
      const before = JSON.stringify(world.core.db.read((reader) => reader.all("SELECT * FROM work ORDER BY id")));
      expect(await world.deliver(forged)).toBe("bad_signature");
      expect(JSON.stringify(world.core.db.read((reader) => reader.all("SELECT * FROM work ORDER BY id")))).toBe(before);
    }
  }),
];

const hivedSteps: fc.Arbitrary<Step>[] = [
  fc.integer({ min: 1, max: 4 }).map((calls) => ({ name: `work ${calls}`, run: (world) => world.work(calls) })),
  fc.integer({ min: 5, max: 60 }).map((calls) => ({ name: `work ${calls}`, run: (world) => world.work(calls) })),
  fc.constantFrom(700, 30_000, 300_000).map((ms) => ({ name: `pass ${ms}`, run: (world) => world.pass(ms) })),
  fc.constant({ name: "kill hived", run: (world: World) => world.restartHived() }),
  fc.constant({ name: "ask", run: (world: World) => world.ask() }),
];

const cut = fc.boolean().map((isReachable) => ({
  name: isReachable ? "reachable" : "unreachable",
  run: async (world: World) => {
    world.gate.isReachable = isReachable;
  },
}));
const restart = fc.constant({ name: "restart forge", run: (world: World) => world.restartForge() });

const step = fc.oneof(
  { weight: 24, arbitrary: fc.oneof(...forgeSteps) },
  { weight: 16, arbitrary: fc.oneof(...wireSteps) },
  { weight: 12, arbitrary: fc.oneof(...hivedSteps) },
  { weight: 2, arbitrary: cut },
  { weight: 1, arbitrary: restart },
  { weight: 1, arbitrary: deleteNotes },
);

class Command implements fc.AsyncCommand<object, World> {
  private readonly step: Step;
  constructor(step: Step) {
    this.step = step;
  }
  check = () => true;
  run = (_: object, world: World) => this.step.run(world) as Promise<void>;
  toString = () => this.step.name;
}

test(`the projection is the forge after ${runs} stories on an unreliable wire`, {
  timeout: runs * 10_000,
}, async () => {
  const stories = fc.commands([step.map((one) => new Command(one))], { maxCommands: 40, size: "max" });
  await fc.assert(
    fc.asyncProperty(stories, async (commands) => {
      const world = new World(template);
      try {
        await world.open();
        await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);
        await world.settle();
        expect(world.projection()).toEqual(await world.truth());
        expectToldOnce(world.events());
        expect(world.letterIds()).toEqual(expect.arrayContaining(await world.owedLetterIds()));
        const told = world.events().length;
        await world.settle();
        expect(world.events().slice(told)).toEqual([]);
      } finally {
        await world.close();
      }
    }),
    whichStories(inTest),
  );
});

/** An answer comes once, a question closes once, and no page of open threads is told that was told before. */
function expectToldOnce(events: readonly Event[]): void {
  const pages = new Map<string, string>();
  const seen = new Set<string>();
  const once = (key: string) => {
    expect(seen, "told twice").not.toContain(key);
    seen.add(key);
  };
  for (const { fact } of events) {
    // Of pull requests: two comments may say the same, and the database holds each letter's id but once.
    if (fact.kind === "MessageSent" && !/ pull request #\d+ of /.test(fact.message.body))
      once(`message ${fact.message.to} ${fact.message.body}`);
    if (fact.kind === "QuestionChanged") once(`question ${JSON.stringify(fact.question)}`);
    if (fact.kind !== "ThreadsChanged") continue;
    const page = JSON.stringify(fact.page);
    expect(pages.get(fact.agent), "the same page again").not.toBe(page);
    pages.set(fact.agent, page);
  }
}
