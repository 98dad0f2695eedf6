/** A child of a test: begins to write to a database that is not its own, says so, and ends that with its stdin. */
import Sqlite from "better-sqlite3";

const sqlite = new Sqlite(process.argv[2] ?? "");
sqlite.exec(process.argv[3] ?? "");
console.log("locked");
process.stdin.on("end", () => sqlite.close()).resume();
