/** Builds the dashboard (`npm run build`); hive up does so by itself when `dist/dashboard` is missing. */
import { defineConfig } from "vite";

export default defineConfig({
  root: "src/dashboard",
  base: "/",
  build: { outDir: "../../dist/dashboard", emptyOutDir: true, target: "es2022" },
});
