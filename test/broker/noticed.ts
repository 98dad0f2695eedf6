import { expect, vi } from "vitest";
import type { TestBroker } from "../support/open-broker.ts";

/** Resolves when hived has noticed that its runner is gone. */
export const noticed = ({ link }: TestBroker): Promise<void> =>
  vi.waitFor(() => expect(() => link.runner.place()).toThrow("no runner"));
