import { InvalidArgumentError } from "commander";

/** Reads an option that is a number; `sentence` says what is wrong with any other. */
export const wholeNumber =
  (least: number, most: number, sentence: string) =>
  (text: string): number => {
    const number = Number(text);
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(sentence);
  };

/** The number of something. */
export const numeral = wholeNumber(1, Number.MAX_SAFE_INTEGER, "It is a number, 1 or more.");

/** How many rows to list. */
export const limit = wholeNumber(1, 200, "It is a number from 1 to 200.");
