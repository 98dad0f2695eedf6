/** What the forms of several pages have in common: how their fields are read, and boxes to tick. */
import { z } from "zod";
import type { Label } from "../domain/labels.ts";
import type { User } from "../domain/users.ts";
import { type Html, html } from "./html.ts";
import { avatar, labelTag } from "./parts.ts";

/** Browsers send a line break as two characters (HTML standard, "constructing the entry list"); texts here have one. */
export const formText = z
  .string()
  .default("")
  .transform((text) => text.replaceAll("\r\n", "\n"));

/** A field that may be there never, once or often. */
export const formList = z
  .union([z.string(), z.array(z.string())])
  .default([])
  .transform((value) => [value].flat());

export const formIds = formList.transform((values) => values.map(Number));

/** Markdown's field. The line break after the tag is dropped by browsers; one that the text begins with is not. */
export const textField = (id: string, text: string | undefined, options: { rows: number; hint?: string }): Html =>
  html`<textarea id="${id}" name="content" rows="${options.rows}" placeholder="${options.hint ?? "Markdown is understood"}">
${text}</textarea>`;

/** @param isTicked which of them the form begins with */
export function labelBoxes(labels: readonly Label[], isTicked: (label: Label) => boolean): Html | false {
  return boxes(
    "labels",
    "Labels",
    labels.map((label) => ({ name: "label", value: label.id, isTicked: isTicked(label), text: labelTag(label) })),
  );
}

export function assigneeBoxes(users: readonly User[], isTicked: (user: User) => boolean): Html | false {
  return boxes(
    "assignees",
    "Assignees",
    users.map((user) => ({
      name: "assignee",
      value: user.name,
      isTicked: isTicked(user),
      text: html`${avatar(user.name, 20)} ${user.name}`,
    })),
  );
}

interface Box {
  name: string;
  value: string | number;
  isTicked: boolean;
  text: Html;
}

function boxes(id: string, legend: string, all: readonly Box[]): Html | false {
  const rows = all.map(
    ({ name, value, isTicked, text }) =>
      html`<label><input type="checkbox" name="${name}" value="${value}"${isTicked && html` checked`}> ${text}</label>
`,
  );
  return (
    all.length > 0 && html`<fieldset id="${id}"><legend>${legend}</legend><div class="boxes">${rows}</div></fieldset>`
  );
}
