/** What the operator decides without opening the forge: it happens there, with the operator's token, and is written down. */
import { expect, test } from "vitest";
import { ObjectId } from "../../src/contract/names.ts";
import { approve, deny } from "../../src/hived/approvals/operator.ts";
import { agentsRepo } from "../../src/hived/forge/plan.ts";
import type { Approvals } from "./open-approvals.ts";

const refusal = (code: string) => expect.objectContaining({ name: "Refusal", code });

export function operatorsWord(hive: () => Approvals, onOne: typeof test): void {
  const propose = async (topic: string, files: Record<string, string>) => {
    const proposed = await hive().propose(topic, files);
    await hive().follow(proposed);
    return { number: proposed.number, head: ObjectId.parse(proposed.head) };
  };
  const notesOf = ({ number }: { number: number }) =>
    hive()
      .notes()
      .filter((text) => text.includes(`#${number} `));

  test("an approval is the operator's review of exactly that head, once, and in the event log", async () => {
    const proposed = await propose("tea", { "decisions/tea.md": "Tea.\n" });
    await approve(hive().parts, proposed);
    await approve(hive().parts, proposed);
    expect(notesOf(proposed)).toEqual([
      `With the operator's token: approved #${proposed.number} (Propose tea) at ${proposed.head.slice(0, 10)}`,
    ]);
    const reviews = (await hive().bot.listReviews(agentsRepo, proposed.number)).filter(
      ({ state }) => state === "APPROVED",
    );
    expect(reviews).toMatchObject([{ user: "operator", official: true, commitId: proposed.head }]);
    await hive().follow(proposed);
    expect(hive().row(proposed)).toMatchObject({ state: "deployed" });
    await expect(approve(hive().parts, proposed)).rejects.toEqual(refusal("approval_ended"));
    await expect(deny(hive().parts, { ...proposed, reason: "No." })).rejects.toEqual(refusal("approval_ended"));
  });

  onOne("another head than the one that was looked at is not approved", async () => {
    const older = await propose("oscar", hive().worker("oscar"));
    const newer = await hive().propose("oscar", hive().worker("oscar", "More.\n"));
    await expect(approve(hive().parts, older)).rejects.toEqual(refusal("head_moved"));
    await hive().follow(newer);
    await expect(approve(hive().parts, older)).rejects.toEqual(refusal("head_moved"));
    expect(notesOf(older)).toEqual([]);
    expect(hive().row(newer)).toMatchObject({ state: "waiting" });
  });

  onOne("what can't be acted on, and what is the operator's own, is not approved, and says what to do", async () => {
    const invalid = await propose("stray", { "README.md": "Mine.\n" });
    await expect(approve(hive().parts, invalid)).rejects.toEqual(refusal("not_actionable"));
    const own = await hive().operator.propose(agentsRepo, "own", { "decisions/own.md": "Mine.\n" });
    await hive().follow(own);
    const head = ObjectId.parse(own.head);
    await expect(approve(hive().parts, { ...own, head })).rejects.toMatchObject({
      ...{ code: "own_proposal", next: expect.stringContaining("Push its commits to main") },
    });
    await expect(approve(hive().parts, { number: 999, head })).rejects.toEqual(refusal("unknown_approval"));
  });

  test("a denial is the operator's comment and close, also when it is repeated in the middle", async () => {
    const proposed = await propose("coffee", { "decisions/coffee.md": "Coffee.\n" });
    const reason = "Tea it is.";
    await hive().comment(proposed, hive().operator, reason); // it was cut off before the close
    await deny(hive().parts, { number: proposed.number, reason });
    const said = await hive().bot.listComments(agentsRepo, proposed.number);
    expect(said.filter(({ user }) => user === "operator").map(({ body }) => body)).toEqual([reason]);
    expect(notesOf(proposed)).toEqual([
      `With the operator's token: denied #${proposed.number} (Propose coffee): ${reason}`,
    ]);
    await hive().follow(proposed);
    expect(hive().row(proposed)).toMatchObject({ state: "denied", problem: reason });
    expect(hive().told(proposed)).toEqual([`it was closed without being merged: ${reason}`]);
  });
}
