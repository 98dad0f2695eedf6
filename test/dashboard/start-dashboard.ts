/** The dashboard as a browser gets it: built by Vite, behind hive-web, before a fake hived whose events a test writes. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { build } from "vite";
import { goodSecret, startWeb } from "../hive-web/start-web.ts";
import { complaintsOf } from "../support/browser.ts";

const top = join(import.meta.dirname, "../..");

/** Builds the front end into a directory of its own. */
export async function buildDashboard(): Promise<{ assets: string; remove(): void }> {
  const assets = mkdtempSync("/tmp/hive-dist-");
  const outDir = assets;
  await build({
    configFile: join(top, "vite.config.ts"),
    root: join(top, "src/dashboard"),
    build: { outDir },
    logLevel: "warn",
  });
  return { assets, remove: () => rmSync(assets, { recursive: true }) };
}

/** hive-web checks the port in a request's `Host`, so that it is chosen before. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

export async function startDashboard(browser: Browser, assets: string) {
  const port = await freePort();
  const url = `http://hive.localhost:${port}/`;
  const web = await startWeb({ assets, port, dashboardUrl: url });
  const pages: Page[] = [];
  const complaints: string[] = [];
  const link = `${url}#sign-in=${goodSecret}`;
  /** Opens an address in a browser that knows nothing of the others. */
  const visit = async (address: string, width = 1280): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width, height: 800 } });
    const page = await context.newPage();
    pages.push(page);
    complaintsOf(page, complaints);
    await page.goto(address);
    return page;
  };
  return {
    hived: web.hived,
    breakConnections: web.breakConnections,
    url,
    link,
    visit,
    /** what the browser had to say against the pages: errors, and violations of their policy */
    complaints,
    /** a page of the signed-in operator, which has its state and its stream */
    async open(width?: number): Promise<Page> {
      const page = await visit(link, width);
      await page.getByText("Live", { exact: true }).waitFor();
      return page;
    },
    async [Symbol.asyncDispose]() {
      for (const page of pages) await page.context().close();
      await web[Symbol.asyncDispose]();
    },
  };
}
