/** Pages of lists: `page` from 1, `limit` clamped, the total and the neighbours' addresses in headers. */
import { z } from "zod";
import type { Answer } from "./endpoint.ts";

export const MAX_ITEMS = 50;
export const DEFAULT_ITEMS = 30;

export interface Page {
  page: number;
  limit: number;
}

const number = z
  .string()
  .optional()
  .transform((value) => (/^\d{1,9}$/.test(value ?? "") ? Number(value) : 0));

/** Fields of a query; see `pageOf`. */
export const paging = { page: number, limit: number };
export const pagingQuery = z.object(paging);

/** As Forgejo: no or a senseless limit is the default, one above the maximum is the maximum. */
export const pageOf = (query: { page: number; limit: number }, defaultLimit = DEFAULT_ITEMS): Page => ({
  page: Math.max(query.page, 1),
  limit: query.limit <= 0 ? defaultLimit : Math.min(query.limit, MAX_ITEMS),
});

/** Answers the rows of a page that was cut by the database. */
export function paged(
  call: { forge: { url: string }; url: string },
  page: Page,
  rows: unknown[],
  total: number,
): Answer {
  const links = linksOf(`${call.forge.url}${call.url}`, page, total);
  return {
    status: 200,
    body: rows,
    headers: {
      "X-Total-Count": String(total),
      "Access-Control-Expose-Headers": links === "" ? "X-Total-Count" : "Link, X-Total-Count",
      ...(links === "" ? {} : { Link: links }),
    },
  };
}

/** Cuts the page out of all rows; only those that are answered are turned into JSON. */
export function pagedFrom<Row>(
  call: { forge: { url: string }; url: string },
  page: Page,
  rows: readonly Row[],
  toJson: (row: Row) => unknown,
): Answer {
  const start = (page.page - 1) * page.limit;
  return paged(call, page, rows.slice(start, start + page.limit).map(toJson), rows.length);
}

function linksOf(address: string, { page, limit }: Page, total: number): string {
  const last = Math.max(1, Math.ceil(total / limit));
  const link = (number: number, relation: string) => {
    const url = new URL(address);
    url.searchParams.set("page", String(number));
    return `<${url.href}>; rel="${relation}"`;
  };
  const links: string[] = [];
  if (page < last) links.push(link(page + 1, "next"), link(last, "last"));
  if (page > 1) links.push(link(1, "first"), link(Math.min(page - 1, last), "prev"));
  return links.join(",");
}
