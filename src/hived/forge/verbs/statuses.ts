/** Commit statuses. */
import { z } from "zod";
import type { Connection } from "../connection.ts";
import { at, encode, Text } from "./shapes.ts";

export type StatusState = "pending" | "success" | "error" | "failure" | "warning";

/** Lists and answers call `status` what is sent as `state`. */
const Status = z.object({ id: z.number().int(), context: z.string(), status: z.string(), description: Text });

export function statusVerbs(connection: Connection) {
  return {
    async setStatus(
      repo: string,
      sha: string,
      status: { context: string; state: StatusState; description: string },
    ): Promise<void> {
      await connection.tell((api) => api.repos.repoCreateStatus(...at(repo), encode(sha), status));
    },
    /** Newest first. */
    async listStatuses(repo: string, sha: string) {
      const statuses = await connection.list(Status, (api, page) =>
        api.repos.repoListStatuses(...at(repo), encode(sha), page),
      );
      return statuses
        .sort((a, b) => b.id - a.id)
        .map(({ context, status, description }) => ({ context, state: status, description }));
    },
  };
}
