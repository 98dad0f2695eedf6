import { expect, test } from "vitest";
import { Agent } from "../../src/contract/agent.ts";
import type { EpochMs } from "../../src/contract/names.ts";
import { takeEntry } from "../../src/dashboard/entry.ts";
import { inboxText, threadsText } from "../../src/dashboard/parts/agent-card.tsx";
import { stepsAhead } from "../../src/dashboard/parts/course.tsx";
import { followable, shown } from "../../src/dashboard/parts/shown.ts";
import { agoText, spanText, untilText } from "../../src/dashboard/parts/time-text.ts";
import { agentWords, workText } from "../../src/dashboard/parts/words.ts";
import { agentPath, placeOf, turnPath } from "../../src/dashboard/place.ts";
import { entryOf } from "./rows.ts";

const now = 1_800_000_000_000 as EpochMs;
const ms = (offset: number) => (now + offset) as EpochMs;

test("a span is said in its largest unit, rounded down", () => {
  expect([0, 999, 12_300, 59_999, 60_000, 3_599_999, 3_600_000, 90_000_000, 864_000_000].map(spanText)).toEqual(
    "0 s|0 s|12 s|59 s|1 min|59 min|1 h|1 d|10 d".split("|"),
  );
});

test("a moment that the page's clock has not reached is just now, not in the future", () => {
  expect(agoText(ms(30_000), now)).toBe("just now");
  expect(agoText(ms(-4_999), now)).toBe("just now");
  expect(agoText(ms(-65_000), now)).toBe("1 min ago");
});

test("what is due is said ahead, and what is overdue happens now", () => {
  expect(untilText(ms(20_400), now)).toBe("in 20 s");
  expect(untilText(ms(-5_000), now)).toBe("now");
});

test("characters that deceive the eye are shown as what they are; text, tabs and emoji stay", () => {
  expect(shown("safe\u202etxt.exe")).toBe("safe⟨U+202E⟩txt.exe");
  expect(shown("a\u001b[31mb\u0000\u200b\ufeff")).toBe("a⟨U+001B⟩[31mb⟨U+0000⟩⟨U+200B⟩⟨U+FEFF⟩");
  expect(shown("one\r\n\ttwo\rthree")).toBe("one\n\ttwo⟨U+000D⟩three");
  expect(shown("Grüße, 你好, 👩\u200d🚀")).toBe("Grüße, 你好, 👩\u200d🚀");
});

test("only http and https addresses are followed", () => {
  expect(followable("http://127.0.0.1:3000/a?b#c")).toBe("http://127.0.0.1:3000/a?b#c");
  expect(followable("https://forge.example/a")).toBe("https://forge.example/a");
  for (const url of ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "\u0001javascript:alert(1)", "data:text/html,x"])
    expect(followable(url)).toBeNull();
  for (const url of ["//host/path", "/path", "", "file:///etc/passwd"]) expect(followable(url)).toBeNull();
});

test("the forge's answer is taken out of the page's address; another query stays", () => {
  const at = { pathname: "/", hash: "", search: "" };
  const history = { replaceState: () => Object.assign(at, { search: "" }) };
  const opened = (search: string) => takeEntry(Object.assign(at, { search }), history);
  for (const answer of ["?code=c&state=s", "?error=access_denied&state=s"]) {
    expect(opened(answer)).toEqual({ kind: "forge", answer });
    expect(at.search).toBe("");
  }
  for (const search of ["", "?x=1", "?code=c", "?state=s"]) {
    expect(opened(search)).toBeNull();
    expect(at.search).toBe(search);
  }
});

test("the secret of a link is taken out of the address; another fragment stays", () => {
  const replaced: unknown[] = [];
  const history = { replaceState: (_state: unknown, _title: string, url?: string | URL | null) => replaced.push(url) };
  const at = { pathname: "/", search: "?x=1" };
  expect(takeEntry({ ...at, hash: "#sign-in=abc_-123" }, history)).toEqual({ kind: "link", secret: "abc_-123" });
  expect(takeEntry({ ...at, hash: "#agents" }, history)).toBeNull();
  expect(takeEntry({ ...at, hash: "#sign-in=" }, history)).toBeNull();
  expect(replaced).toEqual(["/?x=1"]);
});

test("the steps ahead of an approval are those of the straight way; none where a push has to come first", () => {
  expect(stepsAhead("waiting")).toEqual(["preparing", "merging", "converging", "deployed"]);
  for (const state of ["deployed", "failed", "denied", "invalid", "changes_requested", "refused"] as const)
    expect(stepsAhead(state)).toEqual([]);
});

test("an inbox is counted by state, and what is settled does not count", () => {
  expect(inboxText([])).toBe("empty");
  expect(inboxText([entryOf({ state: "handled" }), entryOf({ state: "read" })])).toBe("empty");
  const entries = ["queued", "queued", "leased", "dead", "handled"].map((state, id) => entryOf({ id: id + 1, state }));
  expect(inboxText(entries)).toBe("2 queued, 1 in a turn, 1 dead");
});

test("open threads are counted in words", () => {
  const page = (approval: number, question: number, pr: number) => ({
    threads: [],
    totals: { approval, question, pr },
  });
  expect(threadsText(page(0, 0, 0))).toBe("nothing");
  expect(threadsText(page(1, 2, 1)).replaceAll("\u00a0", " ")).toBe("1 approval, 2 questions, 1 pull request");
});

test("work is named by what it does, and work that is new to the page by its kind", () => {
  expect(workText({ kind: "converge", key: "alice" })).toBe("Bringing alice to its wanted version");
  expect(workText({ kind: "vacuum", key: "" })).toBe("vacuum");
  expect(workText({ kind: "backup", key: "nightly" })).toBe("backup nightly");
});

test("every state of an agent has a word of its own", () => {
  const words = Agent.shape.state.options.map((state) => agentWords[state].text);
  expect(new Set(words).size).toBe(words.length);
});

test("an address names a page; whatever names none is the front page", () => {
  const turn = `turn-${"a".repeat(32)}`;
  expect(placeOf(agentPath("alice"))).toEqual({ kind: "agent", agent: "alice" });
  expect(placeOf(turnPath("alice", turn))).toEqual({ kind: "turn", agent: "alice", turn });
  const none = [
    "/",
    "/agents",
    "/agents/",
    "/agents/../x",
    "/agents/Alice",
    "/agents/alice/turns",
    "/agents/alice/turns/1",
  ];
  for (const path of [...none, `${turnPath("alice", turn)}/more`, `/agents/alice/x/${turn}`])
    expect(placeOf(path)).toEqual({ kind: "front" });
});
