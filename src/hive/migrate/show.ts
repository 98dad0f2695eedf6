/** What would move, for the operator to read. */
import { columns } from "../columns.ts";
import type { Inventory, Repository } from "./source.ts";

export function inventoryText({ users, organizations, repositories }: Inventory): string {
  const names = (all: readonly string[]) => `${all.length}${all.length > 0 ? `: ${all.join(", ")}` : ""}`;
  const rows = repositories.map((repo) => [repo.full_name, ...countsOf(repo).map(String)]);
  const head = ["repository", "issues", "pull requests", "open", "comments and reviews"];
  return [
    `users          ${names(users.map(({ login }) => login))}`,
    `organizations  ${names(organizations.map(({ name }) => name))}`,
    "",
    ...columns([head, ...rows]),
    "",
  ].join("\n");
}

function countsOf({ items }: Repository): number[] {
  const pulls = items.filter(({ pull }) => pull !== null);
  const said = items.map(({ comments, pull }) => comments.length + (pull?.reviews.length ?? 0));
  return [
    items.length - pulls.length,
    pulls.length,
    items.filter(({ state }) => state === "open").length,
    said.reduce((sum, count) => sum + count, 0),
  ];
}
