/** Characters that nobody sees, and that can make a line read otherwise than it is, as what they are: `<U+202E>`. */
export const showHidden = (text: string): string =>
  text.replace(
    /\p{Cf}/gu,
    (character) => `<U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}>`,
  );
