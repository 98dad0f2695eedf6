/**
 * What the page sends of a choice, as `questions/answer-text` of hived reads it: each option by its text on a line of its own, as
 * a number could be another option's text, and then, apart from that, the words.
 * @param chosen places in the list of options
 */
export const answerText = (options: readonly string[], chosen: readonly number[], words: string): string => {
  const texts = chosen.toSorted((a, b) => a - b).map((place) => options[place]?.replaceAll(/\s+/g, " ").trim());
  return [...texts, ...(texts.length > 0 ? [""] : []), words.trim()].join("\n").trim();
};
