/** Bundles the page of the inspector into the module that its server has it from. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PAGE = fileURLToPath(new URL('../src/cli/serve/inspect/page', import.meta.url));

/** Packages that go into the page. Their licences go with them. */
export const PAGE_PACKAGES = ['uplot'];

/** For esbuild: the page's own bundle in place of what page-files.ts says of it. */
export const INSPECTOR_PAGE = {
  name: 'inspector-page',
  setup({ onLoad }) {
    onLoad({ filter: /\/inspect\/page-files\.js$/ }, async () => {
      const files = JSON.stringify(await pageFiles());
      return { contents: `export const PAGE_FILES = ${files};`, loader: 'js' };
    });
  },
};

async function pageFiles() {
  const { build } = createRequire(import.meta.url)('esbuild');
  const { outputFiles } = await build({
    entryPoints: [join(PAGE, 'main.ts'), join(PAGE, 'inspector.css')],
    outdir: PAGE,
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: ['chrome110', 'firefox110', 'safari16'],
    logLevel: 'warning',
    tsconfigRaw: '{}',
  });
  const textOf = ending => outputFiles.find(({ path }) => path.endsWith(ending)).text;
  const html = readFileSync(join(PAGE, 'index.html'), 'utf8');
  return { html, script: textOf('.js'), style: textOf('.css') };
}
