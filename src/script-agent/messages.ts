/** What a prompt brings. */

export type Message = { id: string; from: string; body: string };

/** A message of a hive: a heading, and a body between two marks. Its text can't hold the marks: they are not known before. */
const framed = /^Message (\d+) from ([a-z0-9-]+)[^\n]*\n<<<([0-9a-f]+)\n([\s\S]*)\n\3>>>$/;

/** The messages in a prompt's blocks; a prompt that has none is itself one, from `user`. */
export function messagesIn(blocks: readonly { type: string; text?: unknown }[]): Message[] {
  const texts = blocks.flatMap((block) =>
    block.type === "text" && typeof block.text === "string" ? [block.text] : [],
  );
  const messages = texts.flatMap((text) => {
    const [, id, from, , body] = framed.exec(text) ?? [];
    return id !== undefined && from !== undefined && body !== undefined ? [{ id, from, body }] : [];
  });
  return messages.length > 0 ? messages : [{ id: "", from: "user", body: texts.join("\n") }];
}
