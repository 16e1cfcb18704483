/**
 * Makes a few files of the compiled modules: to find and load hundreds one by one takes longer than to run
 * them. The entries of the package, the programs that it starts and its command are bundled together, so that
 * what two of them share exists once in a process. What few need is loaded when they do.
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPackages, modulesToAdd } from './chunks.mjs';
import { INSPECTOR_PAGE, PAGE_PACKAGES } from './inspector-page.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Programs that are started by their paths. */
const PROGRAMS = [
  'cli/main',
  'cli/serve/serve-worker',
  'http/app/app-side/app-process',
  'ipc/meet/launcher',
  'ipc/workers/worker-program',
];
/**
 * Packages that go into the bundle: small ones of plain JavaScript, which take longer to find and load than
 * to run. Their licences go with them.
 */
const BUNDLED = [
  'commander',
  'fresh',
  'mime-db',
  'ms',
  'negotiator',
  'picomatch',
  'range-parser',
  'structured-headers',
];
/** What bundlers and tracers have to read as it was written. Who imports it is one folder down. */
const AS_WRITTEN = 'os/addon/koffi';
/** Where shared parts lie: one folder down, as the paths in {@link movable} say. */
const CHUNKS = 'chunks';

const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const OLDEST = engines.node.replace(/^>=(\d+\.\d+).*$/, '$1');
/**
 * At the head of each file, as any may be the first that runs. In an older Node.js what follows would fail in
 * ways that tell nothing; so no module imports by name what such a one does not have, for that fails before.
 * And contexts of their own (vm), as test runners make them, lack symbols in Node.js 20 and 22 that the main
 * one has.
 */
const HEAD = `if (Number.parseInt(process.versions.node) < ${Number.parseInt(OLDEST, 10)})
  throw new Error(\`iolite needs Node.js ${OLDEST} or newer, this is \${process.versions.node}\`);
if (!Symbol.dispose) for (const name of ['dispose', 'asyncDispose'])
  Object.defineProperty(Symbol, name, { value: Symbol.for('nodejs.' + name) });`;

const COMMON = {
  bundle: true,
  splitting: true,
  write: false,
  metafile: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  banner: { js: HEAD },
};

/**
 * Bundles the modules of a folder in place; what is in a bundle goes. Types stay.
 * @param dist the folder
 * @param entries of the package: paths in it, without extension
 */
export async function bundle(dist, entries) {
  // Not there before the first installation.
  const esbuild = createRequire(import.meta.url)('esbuild');
  const plugins = [INSPECTOR_PAGE, movable(dist), AS_WRITTEN_APART, OTHERS_APART, MEDIA_TYPES, BUILTINS];
  const pathOf = name => join(dist, `${name}.js`);
  const options = {
    ...COMMON,
    plugins,
    entryPoints: [...entries, ...PROGRAMS].map(name => ({ in: pathOf(name), out: name })),
    outdir: dist,
    chunkNames: `${CHUNKS}/[name]-[hash]`,
  };
  const { metafile: scattered } = await esbuild.build(options);
  const { metafile, outputFiles: files } = await esbuild.build({
    ...options,
    plugins: [together(scattered.outputs, dist), ...plugins],
  });
  checkPackages(scattered.outputs, metafile.outputs);
  checkPlaces(metafile, dist);
  const unmet = files.find(({ text }) => /__require\w*\("/.test(text));
  if (unmet !== undefined) throw new Error(`${unmet.path} asks for a module by require()`);
  const asWritten = { path: pathOf(AS_WRITTEN), text: readFileSync(pathOf(AS_WRITTEN), 'utf8') };
  removeModules(dist);
  writeFileSync(join(dist, 'licenses.txt'), licences());
  for (const { path, text } of [...files, asWritten]) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text.replace(RENAMED_CLASS, NAMED_AGAIN));
  }
}

/** Says that a path has been asked for already, of the others. */
const SEEN = Symbol('seen');

/** Has entries load modules that they do not import, so that these come into chunks with what they do. */
function together(outputs, dist) {
  const absolute = path => join(process.cwd(), path);
  const added = new Map(
    [...modulesToAdd(outputs, relative(process.cwd(), dist))].map(([entry, modules]) => [
      absolute(entry),
      modules,
    ]),
  );
  const modules = new Set([...added.values()].flat().map(absolute));
  const withDefault = new Set(
    Object.values(outputs)
      .filter(({ entryPoint, exports }) => entryPoint !== undefined && exports.includes('default'))
      .map(({ entryPoint }) => absolute(entryPoint)),
  );
  return {
    name: 'together',
    setup({ onResolve, onLoad, resolve }) {
      onResolve({ filter: /./ }, async ({ path, pluginData, ...importer }) => {
        if (pluginData === SEEN) return undefined;
        const resolved = await resolve(path, { ...importer, pluginData: SEEN });
        const { kind } = importer;
        const isEntry = kind === 'entry-point' || kind === 'dynamic-import';
        if (isEntry && added.has(resolved.path)) return { path: resolved.path, namespace: 'together' };
        // What is not used would be left out, unless it was said to have effects.
        const isKept = modules.has(resolved.path) || added.has(resolved.path);
        return isKept ? { ...resolved, sideEffects: true } : resolved;
      });
      onLoad({ filter: /./, namespace: 'together' }, ({ path }) => {
        const name = JSON.stringify(path);
        const byDefault = withDefault.has(path) ? `export { default } from ${name};\n` : '';
        const others = added.get(path).map(module => `import ${JSON.stringify(absolute(module))};\n`);
        return {
          contents: `export * from ${name};\n${byDefault}${others.join('')}`,
          resolveDir: dirname(path),
        };
      });
    },
  };
}

/** How esbuild writes a class that names itself: users see its name, in errors and inspected. */
const RENAMED_CLASS = /^(var (\w+) = class _\2(?: extends [^{]+)?) \{$/gm;
const NAMED_AGAIN =
  "$1 {\n  static {\n    Object.defineProperty(this, 'name', { value: '$2', configurable: true });\n  }";

/** Of `new URL(path, import.meta.url)`, the path being a string or a choice of two. */
const RELATIVE_URL = /(new URL\((?:[^()]|\([^()]*\))*?,\s*)import\.meta\.url(,?\s*\))/g;

/** A file may be found from a module that has moved one folder down from the root. */
function movable(dist) {
  return {
    name: 'movable',
    setup({ onLoad }) {
      onLoad({ filter: /\.js$/ }, ({ path }) => {
        const text = readFileSync(path, 'utf8');
        if (!isMoved(text) || !path.startsWith(dist)) return undefined;
        const place = JSON.stringify(`../${relative(dist, path).split(sep).join('/')}`);
        const contents = text.replace(RELATIVE_URL, `$1new URL(${place}, import.meta.url)$2`);
        return { contents, loader: 'js' };
      });
    },
  };
}

const AS_WRITTEN_APART = {
  name: 'as-written-apart',
  setup({ onResolve }) {
    onResolve({ filter: /\/koffi\.js$/ }, () => ({ path: `../${AS_WRITTEN}.js`, external: true }));
  },
};

/** Packages in CommonJS ask for modules of Node.js by `require`, which modules do not have. */
const BUILTINS = {
  name: 'builtins',
  setup({ onLoad }) {
    onLoad({ filter: /\/commander\/.*\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const contents = text.replaceAll("require('node:", "globalThis.process.getBuiltinModule('node:");
      return { contents, loader: 'js' };
    });
  },
};

/** Packages that stay packages. */
const OTHERS_APART = {
  name: 'others-apart',
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ path, importer }) => {
      const isOurs = !importer.includes('/node_modules/');
      return isOurs && importer !== '' && !BUNDLED.includes(path) ? { path, external: true } : undefined;
    });
  },
};

/**
 * Media types as text that is parsed, which is faster than code, and none that has no extension: nobody asks
 * for these.
 */
const MEDIA_TYPES = {
  name: 'media-types',
  setup({ onLoad }) {
    onLoad({ filter: /\/mime-db\/index\.js$/ }, ({ path }) => {
      const all = JSON.parse(readFileSync(join(dirname(path), 'db.json'), 'utf8'));
      const known = Object.entries(all).filter(([, { extensions }]) => extensions !== undefined);
      const types = known.map(([type, { source, extensions }]) => [type, { source, extensions }]);
      const text = JSON.stringify(JSON.stringify(Object.fromEntries(types)));
      return { contents: `export default JSON.parse(${text});`, loader: 'js' };
    });
  },
};

/** What the licences of the packages in the bundle ask for: to be with it. */
function licences() {
  const require = createRequire(import.meta.url);
  return [...BUNDLED, ...PAGE_PACKAGES]
    .map(name => {
      const folder = join(ROOT, 'node_modules', name);
      const { version } = require(join(folder, 'package.json'));
      const file = readdirSync(folder).find(entry => /^licen[cs]e/i.test(entry));
      if (file === undefined) throw new Error(`${name} has no licence`);
      return `${name} ${version}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}

/** Whether a module finds files or modules from where it lies. */
function isMoved(text) {
  RELATIVE_URL.lastIndex = 0;
  return RELATIVE_URL.test(text) || /from '\.\/addon\/koffi\.js'/.test(text);
}

/** Throws unless modules that find files are one folder down. */
function checkPlaces({ inputs, outputs }, dist) {
  const files = Object.keys(inputs).filter(path => !path.startsWith('together:'));
  const moved = new Set(files.filter(path => isMoved(readFileSync(path, 'utf8'))));
  for (const [output, { inputs: parts }] of Object.entries(outputs)) {
    const depth = relative(dist, join(process.cwd(), output)).split(sep).length - 1;
    const wrong = Object.keys(parts).find(part => moved.has(part) && parts[part].bytesInOutput > 0);
    if (wrong !== undefined && depth !== 1) throw new Error(`${wrong} would find no file from ${output}`);
  }
}

function removeModules(folder) {
  const entries = readdirSync(folder, { withFileTypes: true });
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeModules(path);
    else if (entry.name.endsWith('.js')) rmSync(path);
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}
