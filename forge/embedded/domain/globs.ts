/** Globs of branch names and status contexts: `*` and `?` stop at a slash, `**` does not, `{a,b}` and `[a-z]` choose. */

/** Does the whole text fit? A pattern that cannot be read fits only itself. */
export function matchesGlob(pattern: string, text: string): boolean {
  if (pattern === text) return true;
  try {
    return new RegExp(`^${translated(pattern)}$`, "u").test(text);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

const TOKENS = /\*\*|\*|\?|\[!?[^\]]+\]|\{[^{}]*\}|\\.|./gsu;

function translated(pattern: string): string {
  return pattern.replace(TOKENS, (token) => {
    if (token === "**") return ".*";
    if (token === "*") return "[^/]*";
    if (token === "?") return "[^/]";
    if (token.length > 2 && token.startsWith("[")) return token.replace("[!", "[^").replace(/\\/g, "\\\\");
    if (token.length > 1 && token.startsWith("{"))
      return `(?:${token.slice(1, -1).split(",").map(translated).join("|")})`;
    return escaped(token.length === 2 && token.startsWith("\\") ? token.slice(1) : token);
  });
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/gu, "\\$&");
