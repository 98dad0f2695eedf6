/** Who may import whom (docs: ARCHITECTURE.md); each rule says why. Read by dependency-cruiser in `npm run check`. */
const own = (folder) => `^src/${folder}/`;
const forbid = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });

/** The folders of src, and those of ours that each may import. */
const arrows = {
  contract: [],
  rpc: ["contract"],
  daemon: ["contract"],
  hived: ["contract", "rpc", "daemon"],
  "hive-web": ["contract", "rpc", "daemon"],
  "hive-runner": ["contract", "rpc", "daemon"],
  hive: ["contract", "rpc", "daemon"],
  dashboard: ["contract"],
  "script-agent": [],
};

/** Inside hived a folder imports those before it, never one behind it. */
const order =
  "database events work agents broker forge runtimes lifecycle questions approvals pulls threads intake mcp sign-in sockets".split(
    " ",
  );

module.exports = {
  forbidden: [
    ...Object.entries(arrows).map(([folder, may]) =>
      forbid(
        `${folder}-imports`,
        `${folder} may import of ours: ${may.join(", ") || "nothing"}. Processes meet at a socket.`,
        { path: own(folder) },
        { path: "^(src|forge)/", pathNot: [folder, ...may].map(own) },
      ),
    ),
    ...order.map((folder, place) =>
      forbid(
        `hived-${folder}-is-above`,
        `hived/${folder} stands above these; what must call down is a function that start.ts hands in.`,
        { path: own(`hived/${folder}`) },
        {
          path: `^src/hived/(${[...order.slice(place + 1), "main\\.ts", "start\\.ts"].join("|")})`,
          pathNot: own(`hived/${folder}`),
        },
      ),
    ),
    forbid(
      "contract-runs-anywhere",
      "the browser loads contract too",
      { path: "^src/(contract|dashboard)/" },
      { dependencyTypes: ["core"] },
    ),
    forbid(
      "embedded-stands-alone",
      "the embedded forge is a child process that fits the forge's API, not our code",
      { path: "^forge/" },
      { path: "^src/" },
    ),
    forbid(
      "one-owner-of-the-database",
      "one process writes the database; only hived and the embedded forge open one",
      { path: "^src/", pathNot: own("hived") },
      { path: "node_modules/better-sqlite3" },
    ),
    forbid(
      "hive-web-holds-no-privilege",
      "hive-web spawns nothing and opens no database, not even indirectly",
      { path: "^src/hive-web/main\\.ts" },
      {
        path: "^(node:)?child_process$|^(node:)?worker_threads$|better-sqlite3|(^|/)src/(hived|hive|hive-runner)/",
        reachable: true,
      },
    ),
    forbid(
      "hive-web-reads-its-assets-only",
      "hive-web opens no file but its own assets",
      { path: own("hive-web"), pathNot: "assets\\.ts$|probe\\.ts$" },
      { path: "^(node:)?fs(/promises)?$" },
    ),
    forbid("no-circles", "two files that import each other are one file", {}, { circular: true }),
    forbid("no-missing", "an import of ours that leads nowhere", {}, { path: "^[./]", couldNotResolve: true }),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      extensions: [".ts", ".tsx", ".mjs", ".js"],
      conditionNames: ["import", "node", "default", "types"],
    },
  },
};
