/** What a pull request on hive/agents is about, told by the paths that it changes: one thing, or nothing that can be acted on. */

export type Subject =
  | { kind: "agent"; agent: string }
  | { kind: "inputs" }
  | { kind: "decision" }
  /** `why`: a sentence, with what to do instead */
  | { kind: "other"; why: string };

export const inputsFile = "inputs.json";

/** So many names of a kind say enough. */
const namesShown = 5;

export function subjectOf(paths: readonly string[]): Subject {
  const subjects = new Map(paths.map((path) => [nameOf(path), subjectOfPath(path)] as const));
  const [[name, only] = ["", null], ...others] = subjects;
  if (only && others.length === 0) return only;
  // Several decisions belong together.
  if (paths.length > 0 && [...subjects.values()].every((subject) => subject?.kind === "decision"))
    return { kind: "decision" };
  return { kind: "other", why: `${whatItChanges([...subjects.keys()], name)} ${whatCanBe}` };
}

const whatCanBe =
  "A pull request is acted on when it changes files in exactly one directory agents/<name>/, or inputs.json alone, or only files decisions/<slug>.md: split it up, or let the operator merge it by hand.";

function whatItChanges(names: string[], first: string): string {
  if (names.length === 0) return "It changes nothing.";
  if (names.length === 1) return `It changes ${first}, which no approval is about.`;
  const more = names.length > namesShown ? ` and ${names.length - namesShown} more` : "";
  return `It changes several things at once: ${names.slice(0, namesShown).join(", ")}${more}.`;
}

const agentPath = /^agents\/([^/]+)\/./;

/** The thing that a path belongs to: an agent's directory, or the file itself. */
const nameOf = (path: string): string => {
  const agent = agentPath.exec(path)?.[1];
  return agent === undefined ? path : `agents/${agent}`;
};

function subjectOfPath(path: string): Subject | null {
  const agent = agentPath.exec(path)?.[1];
  if (agent !== undefined) return { kind: "agent", agent };
  if (path === inputsFile) return { kind: "inputs" };
  return /^decisions\/[^/]+\.md$/.test(path) ? { kind: "decision" } : null;
}
