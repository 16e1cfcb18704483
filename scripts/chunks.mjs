/**
 * Says which modules of the bundle lie in one file. A bundler makes one for each set of entries that share
 * something, which are seventy here, and to find a file and load it costs 0.8 ms of CPU, as much as to
 * compile 20 KiB. So modules are in groups, of which an entry that needs anything loads all.
 */

/** What belongs to the command line only. */
const COMMAND = /\bdist\/cli\/|\bnode_modules\/commander\//;
const TOOLS = ['cli/tools/cat', 'cli/tools/grep/grep', 'cli/tools/permute', 'cli/tools/wc'];

const SERVER = ['cli/serve/serve-command', 'cli/serve/serve-worker'];

/**
 * A group is what any of some entries need, or all of them, that others need as well, and that is in no group
 * before. Those that are to be loaded fast come first.
 */
const GROUPS = [
  { names: ['bl/index', 'ipc/meet/launcher', ...TOOLS] },
  { names: ['network/index'] },
  { names: ['ipc/index', 'ipc/workers/worker-program'] },
  { names: ['http/app/app-side/app-process'] },
  { names: ['cluster/index', 'index'], needed: 'by all' },
  { names: ['file/index', 'cache/index'] },
  { names: ['express/index', 'fastify/index', 'hono/index', 'koa/index'] },
  { names: ['index'] },
  { names: ['cluster/index'] },
  { names: ['observe/index', ...SERVER], needed: 'by all' },
  { names: SERVER },
  { names: ['cli/main'], isCommand: true },
  { names: TOOLS, isCommand: true },
  { names: SERVER, isCommand: true },
];

/**
 * What entries have to load, besides what they import, so that groups stay whole.
 * @param outputs of the metafile of a build with splitting. What is loaded by `import()` is an entry, too
 * @param dist the folder that the groups' names are in
 * @returns for each entry point that has to load more, the modules
 */
export function modulesToAdd(outputs, dist) {
  const needs = needsOf(outputs);
  const groups = groupsOf(needs, dist);
  const added = new Map();
  for (const [entry, needed] of needs) {
    const isTouched = ({ modules }) => [...modules].some(module => needed.has(module));
    const all = groups.filter(isTouched).flatMap(({ modules, before }) => [...modules, ...before]);
    // Packages come with those of ours that import them.
    const more = new Set(all.filter(module => !needed.has(module) && !module.includes('node_modules/')));
    if (more.size > 0) added.set(entry, [...more]);
  }
  return added;
}

/** For each entry, the modules that it loads at once and shares with others. */
function needsOf(outputs) {
  const entries = Object.keys(outputs).filter(path => outputs[path].entryPoint !== undefined);
  return new Map(
    entries.map(entry => {
      const shared = [...closureOf(outputs, entry)].filter(path => outputs[path].entryPoint === undefined);
      const modules = shared.flatMap(path => Object.keys(outputs[path].inputs));
      return [outputs[entry].entryPoint, new Set(modules)];
    }),
  );
}

/** The modules of each group, and those of other groups that come with them. */
function groupsOf(needs, dist) {
  const groups = [];
  for (const { names, needed: how = 'by any', isCommand = false } of GROUPS) {
    const all = names.map(name => needs.get(`${dist}/${name}.js`));
    const isNeeded = module => how === 'by any' || all.every(each => each.has(module));
    const needed = new Set(all.flatMap(each => [...each]).filter(isNeeded));
    const before = new Set();
    for (const group of groups) {
      if (![...group.modules].some(module => needed.has(module))) continue;
      for (const module of [...group.modules, ...group.before]) before.add(module);
    }
    const modules = [...needed].filter(module => COMMAND.test(module) === isCommand && !before.has(module));
    groups.push({ modules: new Set(modules), before });
  }
  return groups;
}

/**
 * Throws if an entry loads a package that it did not before: what is asked for when it is needed would be in
 * a group of what is needed at once.
 * @param before outputs of the build with splitting alone @param after those of the one with groups
 */
export function checkPackages(before, after) {
  const known = packagesOf(before);
  for (const [entry, packages] of packagesOf(after)) {
    const more = [...packages].filter(name => !known.get(entry).has(name));
    if (more.length > 0) throw new Error(`${entry} would load ${more.join(', ')} at once`);
  }
}

/** For each entry, the packages that it loads at once. */
function packagesOf(outputs) {
  const entries = Object.keys(outputs).filter(path => outputs[path].entryPoint !== undefined);
  return new Map(
    entries.map(entry => {
      const imports = [...closureOf(outputs, entry)].flatMap(path => outputs[path].imports);
      const packages = imports.filter(
        ({ path, kind, external }) => external && kind === 'import-statement' && !/^(node:|\.)/.test(path),
      );
      const name = outputs[entry].entryPoint.replace(`together:${process.cwd()}/`, '');
      return [name, new Set(packages.map(({ path }) => path))];
    }),
  );
}

/** What an output loads at once, itself included. */
function closureOf(outputs, path, found = new Set()) {
  if (found.has(path) || outputs[path] === undefined) return found;
  found.add(path);
  for (const { path: next, kind } of outputs[path].imports) {
    if (kind === 'import-statement') closureOf(outputs, next, found);
  }
  return found;
}
