/** All that the page knows: the hive as of the newest event, and how the page is connected to it. */
import type { Event, StorageTrouble } from "../contract/facts.ts";
import { fold, type HiveState } from "../contract/fold.ts";
import type { EpochMs } from "../contract/names.ts";
import type { RefusalBody } from "../contract/refusal.ts";
import type { Turn, TurnRecord } from "../contract/turn.ts";
import type { AgentVersion } from "../contract/version.ts";
import { newsIn } from "./attention.ts";
import type { Place } from "./place.ts";

/**
 * connecting → live ⇄ lost; any → signed-out → (a link) connecting; any → halted, until the page is loaded again.
 */
export type Connection =
  | { kind: "connecting"; problem: string | null }
  | { kind: "live" }
  | { kind: "lost"; since: EpochMs }
  /** `refusal` says why the link that the page was opened with did not let it in */
  | { kind: "signed-out"; refusal: RefusalBody | null }
  | { kind: "halted"; problem: string };

/** What a place shows beyond the hive's state; null while it is not loaded, or there is no such thing. */
type Looked = {
  place: Place;
  /** an agent's turns, newest first, as they were when they were loaded; `more`: there are older ones */
  turns: { turns: Turn[]; more: boolean } | null;
  /** an agent's newest versions, newest first */
  versions: { versions: AgentVersion[]; more: boolean } | null;
  record: TurnRecord | null;
  /** why that can't be shown; a sentence */
  problem: string | null;
};

export type View = Looked & {
  /** null before the first load, and to who is not signed in */
  hive: HiveState | null;
  connection: Connection;
  /** why the hive can store nothing just now */
  storage: StorageTrouble | null;
  /** what somebody who only hears the page should hear, the latest alone */
  news: string;
};

export type Store = {
  view(): View;
  /** Calls back after every change, until the function that it returns is called. */
  watch(tell: () => void): () => void;
  /** Puts a snapshot in the place of all that was known. */
  load(hive: HiveState): void;
  /** Folds an event in; one that the state already stands for changes nothing. */
  receive(event: Event): void;
  connect(connection: Connection): void;
  noteStorage(storage: StorageTrouble | null): void;
  show(looked: Partial<Looked>): void;
};

const nowhere: Looked = { place: { kind: "front" }, turns: null, versions: null, record: null, problem: null };

export function openStore(): Store {
  let view: View = {
    hive: null,
    connection: { kind: "connecting", problem: null },
    storage: null,
    news: "",
    ...nowhere,
  };
  const watchers = new Set<() => void>();
  const show = (next: Partial<View>) => {
    view = { ...view, ...next };
    for (const tell of [...watchers]) tell();
  };
  return {
    view: () => view,
    watch(tell) {
      watchers.add(tell);
      return () => watchers.delete(tell);
    },
    load: (hive) => show({ hive }),
    receive(event) {
      const { hive } = view;
      if (!hive || event.sequence <= hive.sequence) return;
      const next = fold(hive, event);
      show({ hive: next, news: newsIn(hive, next, event.fact) ?? view.news });
    },
    connect: (connection) =>
      show(
        connection.kind === "signed-out"
          ? {
              connection,
              hive: null,
              storage: null,
              news: "",
              turns: null,
              versions: null,
              record: null,
              problem: null,
            }
          : { connection },
      ),
    noteStorage: (storage) => show({ storage }),
    show,
  };
}
