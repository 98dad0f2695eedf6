/**
 * What SQL runs on: each text is prepared once, rows that are only added go to SQLite many at a time, and what every write
 * would look up again is remembered.
 */
import type { Database as Sqlite, Statement } from "better-sqlite3";

type Value = string | number | null;
type Parameters = Record<string, Value>;

/** Where rows are added: a table, and its columns in the order of their values. One object for each, made once. */
export type Addition = { readonly table: string; readonly columns: readonly string[] };

/** What reads. All calls are synchronous. */
export type Reader = {
  all<Row>(sql: string, parameters?: Parameters): Row[];
  get<Row>(sql: string, parameters?: Parameters): Row | undefined;
  /**
   * What `load` has answered under this name, until a write is undone: then it is loaded anew. Whoever changes the rows
   * that it was read from changes it in the same write.
   */
  remember<Known>(name: string, load: () => Known): Known;
};

export type Writer = Reader & {
  run(sql: string, parameters?: Parameters): { changes: number; id: number };
  /** Adds a row, at the latest before the next statement that names its table: so nobody can tell. */
  add(to: Addition, row: readonly Value[]): void;
  /** The next id of a table whose ids count up (AUTOINCREMENT), or the first of so many. Those of what was undone are left out. */
  nextId(table: string, count?: number): number;
  /** Forgets what is remembered under this name. */
  forget(name: string): void;
};

export type Statements = Writer & {
  /** Writes the rows that were added. */
  flush(): void;
  /** Something is undone: what was added or remembered meanwhile is not so any more. */
  undo(): void;
  /** Whether anything was written since the last time that this was asked. */
  hasWritten(): boolean;
};

/**
 * Built with STAT4, as here, SQLite plans a statement anew for each value of a parameter on which its plan could depend: for
 * twenty microseconds, where running it takes two (measured, 3.54.1). Of an expression, if only `+:name`, it asks no value.
 */
const plannedOnce = (sql: string): string => sql.replaceAll(/(?<=[\s(,=<>]):(?=[a-z])/gi, "+:");

/** How many rows one statement adds: calling it costs as much as two of its rows (measured, better-sqlite3 13.2). */
const rowsAtOnce = [64, 8, 1];

/** `names`: all words of its text, and so those of the tables that it reads and writes: there are no views, no triggers. */
type Prepared = { statement: Statement; isWriting: boolean; names: ReadonlySet<string> };

type Insert = { rows: number; statement: Statement };

function insertText({ table, columns }: Addition, rows: number): string {
  const row = `(${columns.map(() => "?").join(", ")})`;
  return `INSERT INTO ${table} (${columns.join(", ")}) VALUES ${Array.from({ length: rows }, () => row).join(", ")}`;
}

export function openStatements(sqlite: Sqlite): Statements {
  const prepared = new Map<string, Prepared>();
  const known = new Map<string, unknown>();
  const added = new Map<Addition, Value[]>();
  const inserts = new Map<Addition, Insert[]>();
  let isDirty = false;

  const prepare = (sql: string): Prepared => {
    const found = prepared.get(sql);
    if (found) return found;
    const statement = sqlite.prepare(plannedOnce(sql));
    const made = { statement, isWriting: !statement.readonly, names: new Set(sql.match(/\w+/g)) };
    prepared.set(sql, made);
    return made;
  };
  const flushed = (sql: string): Prepared => {
    const ready = prepare(sql);
    for (const to of added.keys()) if (ready.names.has(to.table)) flush(to);
    return ready;
  };
  const ready = (sql: string): Statement => {
    const { statement, isWriting } = flushed(sql);
    isDirty ||= isWriting;
    return statement;
  };
  const flush = (to: Addition) => {
    const values = added.get(to) ?? [];
    added.delete(to);
    try {
      addRows(to, values);
    } catch (error) {
      isDirty = true; // whoever asked for something else now is not the one who must be undone
      throw error;
    }
  };
  const insertsOf = (to: Addition): Insert[] => {
    const found = inserts.get(to);
    if (found) return found;
    const made = rowsAtOnce.map((rows) => ({ rows, statement: sqlite.prepare(insertText(to, rows)) }));
    inserts.set(to, made);
    return made;
  };
  const addRows = (to: Addition, values: Value[]) => {
    const width = to.columns.length;
    let at = 0;
    for (const { rows, statement } of insertsOf(to))
      for (; values.length - at >= rows * width; at += rows * width) statement.run(values.slice(at, at + rows * width));
  };
  const remember = <Known>(name: string, load: () => Known): Known => {
    if (!known.has(name)) known.set(name, load());
    return known.get(name) as Known;
  };
  const get = <Row>(sql: string, parameters: Parameters = {}) => ready(sql).get(parameters) as Row | undefined;
  return {
    all: <Row>(sql: string, parameters: Parameters = {}) => ready(sql).all(parameters) as Row[],
    get,
    run(sql, parameters = {}) {
      const { statement } = flushed(sql);
      const wasDirty = isDirty;
      isDirty = true; // also when it throws: what is remembered may have been changed before the row
      const { changes, lastInsertRowid } = statement.run(parameters);
      isDirty = wasDirty || changes > 0;
      return { changes, id: Number(lastInsertRowid) };
    },
    add(to, row) {
      isDirty = true;
      const values = added.get(to);
      if (values) values.push(...row);
      else added.set(to, [...row]);
    },
    nextId(table, count = 1) {
      const newest = remember(`newest id of ${table}`, () => ({
        id: get<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = :table", { table })?.seq ?? 0,
      }));
      const first = newest.id + 1;
      newest.id += count;
      return first;
    },
    remember,
    forget: (name) => void known.delete(name),
    flush() {
      for (const to of added.keys()) flush(to);
    },
    undo() {
      added.clear();
      known.clear();
    },
    hasWritten() {
      const wrote = isDirty;
      isDirty = false;
      return wrote;
    },
  };
}
