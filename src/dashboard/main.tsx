/** Where the parts meet: one store, one connection that keeps it in step, and a page that is drawn from it. */
import "./zod-without-eval.ts";
import { render } from "preact";
import { Fault } from "../contract/fault.ts";
import { Refusal } from "../contract/refusal.ts";
import { attentionOf } from "./attention.ts";
import { beginForgeSignIn, signOut } from "./calls.ts";
import { keepInStep } from "./connection.ts";
import { type Entry, takeEntry } from "./entry.ts";
import { Front } from "./pages/front.tsx";
import { Opening } from "./pages/opening.tsx";
import { SignIn } from "./pages/sign-in.tsx";
import { openStore, type View } from "./store.ts";

/** Events that come together are drawn together, and a burst of them no more often than this. */
const drawEveryMs = 16;

const store = openStore();
const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
let current = new AbortController();
let isDue = false;

/** Leaves whatever was going on, and begins with the link, or the forge's answer, that the page was opened with, if it was. */
function begin(entry: Entry | null): void {
  current.abort();
  current = new AbortController();
  store.connect({ kind: "connecting", problem: null });
  void keepInStep(store, entry, current.signal);
}

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

function Page({ hive, connection, news }: View) {
  if (connection.kind === "signed-out")
    return <SignIn refusal={connection.refusal} signInByForge={() => void goToForge()} />;
  if (hive) return <Front hive={hive} connection={connection} news={news} signOut={() => void leave()} />;
  return <Opening connection={connection} />;
}

function draw(to: Element): void {
  isDue = false;
  const view = store.view();
  const attention = view.hive && attentionOf(view.hive);
  const waiting = attention ? attention.approvals.length + attention.questions.length : 0;
  document.title = waiting > 0 ? `(${waiting}) Hyperhive` : "Hyperhive";
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
begin(takeEntry(location, history));
draw(root);
