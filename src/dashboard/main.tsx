/** Where the parts meet: one store, one connection that keeps it in step, and a page that is drawn from it. */
import "./zod-without-eval.ts";
import { render } from "preact";
import { Fault } from "../contract/fault.ts";
import { Refusal } from "../contract/refusal.ts";
import { attentionOf } from "./attention.ts";
import { beginForgeSignIn, signOut } from "./calls.ts";
import { keepInStep } from "./connection.ts";
import { type Entry, takeEntry } from "./entry.ts";
import { look, showOlder } from "./looking.ts";
import { AgentPage } from "./pages/agent.tsx";
import { Frame } from "./pages/frame.tsx";
import { Front } from "./pages/front.tsx";
import { Opening } from "./pages/opening.tsx";
import { SignIn } from "./pages/sign-in.tsx";
import { TurnPage } from "./pages/turn.tsx";
import { placeOf } from "./place.ts";
import { openStore, type View } from "./store.ts";

/** Events that come together are drawn together, and a burst of them no more often than this. */
const drawEveryMs = 16;

const store = openStore();
const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
let current = new AbortController();
let looking = new AbortController();
let isDue = false;

/** Leaves whatever was going on, and begins with the link, or the forge's answer, that the page was opened with, if it was. */
function begin(entry: Entry | null): void {
  current.abort();
  current = new AbortController();
  store.connect({ kind: "connecting", problem: null });
  void keepInStep(store, entry, current.signal);
}

/** Shows what the page's address names. */
function arrive(): void {
  looking.abort();
  looking = new AbortController();
  void look(store, placeOf(location.pathname), looking.signal);
}

/** Goes to another page of the dashboard, without loading it: the state of the hive stays, and its stream. */
function go(path: string): void {
  history.pushState(null, "", path);
  arrive();
  draw(root as Element);
  const target = location.hash ? document.getElementById(location.hash.slice(1)) : null;
  if (target) target.scrollIntoView();
  else scrollTo(0, 0);
  (target ?? document.querySelector("main"))?.focus({ preventScroll: true });
}

/** The path of a link into the dashboard that was followed plainly: with a key pressed the browser opens it elsewhere. */
function pathOfClick(event: MouseEvent): string | null {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  const isPlain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  return isPlain && !event.defaultPrevented ? ownPath(link?.getAttribute("href")) : null;
}

const ownPath = (href: string | null | undefined) => (href?.startsWith("/") && !href.startsWith("//") ? href : null);

async function leave(): Promise<void> {
  try {
    await signOut();
  } catch (error) {
    if (error instanceof Fault) return; // still signed in, as the page goes on to show
    if (!(error instanceof Refusal)) throw error; // refused: there was no session any more
  }
  current.abort();
  store.connect({ kind: "signed-out", refusal: null });
}

async function goToForge(): Promise<void> {
  try {
    location.assign(await beginForgeSignIn());
  } catch (error) {
    if (error instanceof Refusal) store.connect({ kind: "signed-out", refusal: error.toBody() });
    else if (error instanceof Fault) {
      const refusal = new Refusal("unavailable", error.message, "Try again in a moment.");
      store.connect({ kind: "signed-out", refusal: refusal.toBody() });
    } else throw error;
  }
}

function Page({ hive, connection, storage, news, place, turns, versions, record, problem }: View) {
  if (connection.kind === "signed-out")
    return <SignIn refusal={connection.refusal} signInByForge={() => void goToForge()} />;
  if (!hive) return <Opening connection={connection} />;
  return (
    <Frame
      hive={hive}
      connection={connection}
      storage={storage}
      news={news}
      problem={problem}
      signOut={() => void leave()}
    >
      {place.kind === "front" && <Front hive={hive} />}
      {place.kind === "agent" && (
        <AgentPage
          agent={place.agent}
          hive={hive}
          turns={turns}
          versions={versions}
          showOlder={(before) => showOlder(store, place.agent, before)}
        />
      )}
      {place.kind === "turn" && <TurnPage place={place} hive={hive} record={record} />}
    </Frame>
  );
}

function draw(to: Element): void {
  isDue = false;
  const view = store.view();
  const attention = view.hive && attentionOf(view.hive);
  const waiting = attention ? attention.approvals.length + attention.questions.length : 0;
  const where = view.place.kind === "front" ? "" : `${view.place.agent} · `;
  document.title = `${waiting > 0 ? `(${waiting}) ` : ""}${where}Hyperhive`;
  render(<Page {...view} />, to);
}

store.watch(() => {
  if (isDue) return;
  isDue = true;
  setTimeout(draw, drawEveryMs, root);
});
// A link that is pasted over the open page changes its fragment, and loads nothing.
addEventListener("hashchange", () => {
  const entry = takeEntry(location, history);
  if (entry !== null) begin(entry);
});
addEventListener("popstate", arrive);
document.addEventListener("click", (event) => {
  const path = pathOfClick(event);
  if (path === null) return;
  event.preventDefault();
  go(path);
});
begin(takeEntry(location, history));
arrive();
draw(root);
