/** Where what tests start keeps compiled modules, from one run to the next: a user's cache directory without a Forgejo. */
import { join } from "node:path";

export const cacheOfTests = join(import.meta.dirname, "../../node_modules/.cache/hyperhive-tests");

/** The directory in it that `hive` uses, for programs that tests start themselves. */
export const compiledOfTests = join(cacheOfTests, "hyperhive/compiled");
