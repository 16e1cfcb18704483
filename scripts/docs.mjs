/**
 * `npm run docs`: makes a site of the guides and of the reference of every export, in dist-docs/. Fails
 * where an export has no docstring, where a type that a signature names is not exported, and where a link
 * within the site leads nowhere.
 */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application, Converter, KindRouter, ReflectionKind } from 'typedoc';
import { deadLinksIn } from './docs/dead-links.mjs';
import { pagesInOrder } from './docs/page-order.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SITE = join(ROOT, 'dist-docs');
const REFERENCE = 'Reference';

const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const pages = pagesInOrder(ROOT);
const headings = [...new Set(pages.map(({ heading }) => heading))];

/**
 * The entries of the package, that of all rooms last: what rooms export is theirs. An entry that is a file of
 * a room (iolite/bl/BufferList) says nothing that the room does not.
 */
function entriesOf() {
  const names = Object.entries(exports).flatMap(([name, { types }]) =>
    types?.endsWith('/index.d.ts') ? [name] : [],
  );
  return names
    .filter(name => name !== '.')
    .concat('.')
    .map(name => join(ROOT, 'src', name, 'index.ts'));
}

const site = await Application.bootstrapWithPlugins({
  name: 'iolite',
  entryPoints: entriesOf(),
  tsconfig: join(ROOT, 'tsconfig.build.json'),
  basePath: ROOT,
  out: SITE,
  readme: join(ROOT, 'README.md'),
  projectDocuments: pages.map(({ path }) => join(ROOT, path)),
  customCss: join(ROOT, 'scripts/docs/style.css'),
  favicon: join(ROOT, 'examples/site/favicon.svg'),
  disableSources: true,
  hideGenerator: true,
  headings: { readme: false, document: false },
  excludePrivate: true,
  excludeProtected: true,
  excludeInternal: true,
  excludeExternals: true,
  categorizeByGroup: false,
  defaultCategory: REFERENCE,
  categoryOrder: [...headings.filter(heading => heading !== 'Project'), REFERENCE, 'Project'],
  navigation: {
    includeCategories: true,
    includeGroups: true,
    includeFolders: false,
    excludeReferences: true,
  },
  sort: ['kind', 'alphabetical-ignoring-documents'],
  sortEntryPoints: false,
  searchInDocuments: true,
  externalSymbolLinkMappings: { '@types/node': { '*': 'https://nodejs.org/docs/latest-v20.x/api/' } },
  // What a class implements for us alone, and how much of a framework is used, which need not be installed.
  intentionallyNotExported: [
    ...[
      'POLICY_NAMES',
      'ExtentSource',
      'Lane',
      'ArrivalHost',
      'HonoContext',
      'KoaContext',
      'ChunkPool',
      'DivisibleSequence',
    ],
    ...[
      'src/fastify/framework.ts:Instance',
      'src/fastify/framework.ts:Reply',
      'src/fastify/framework.ts:Request',
    ],
  ],
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  treatWarningsAsErrors: true,
  logLevel: process.argv.includes('--verbose') ? 'Info' : 'Warn',
});

/** From which file a page is. */
function pathOf(page) {
  return relative(ROOT, page.project.files.getReflectionPath(page));
}

site.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, page) => {
  const { heading, title } = pages.find(({ path }) => path === pathOf(page));
  page.name = title;
  page.frontmatter.category = heading;
});

/** Entries are named as programs import them. */
site.converter.on(Converter.EVENT_CREATE_DECLARATION, (_, declared) => {
  if (declared.kind === ReflectionKind.Module) declared.name = declared.name.replace(/^src/, 'iolite');
});

/** Whether it is a member of a literal, and says nothing of itself. */
function isBare(member) {
  const { kind, name, parent } = member;
  if (kind !== ReflectionKind.Property && kind !== ReflectionKind.CallSignature) return false;
  if (name === '__type' || member.hasComment() || parent.hasComment()) return false;
  const above = [];
  for (let each = parent; each !== undefined; each = each.parent) above.push(each.kind);
  return above.includes(ReflectionKind.TypeLiteral) && !above.includes(ReflectionKind.Parameter);
}

/** Addresses of pages are as their files are named, those of decisions below them. */
class PageRouter extends KindRouter {
  getIdealBaseName(reflection) {
    return reflection.isDocument()
      ? pathOf(reflection)
          .replace(/^(docs\/)?(.*?)\.md$/, 'pages/$2')
          .replace(/README$/, 'overview')
      : super.getIdealBaseName(reflection);
  }
}
site.renderer.defineRouter('pages', PageRouter);
site.options.setValue('router', 'pages');

/** Pages are in the order of the index, the entries in that of the package. */
site.converter.on(
  Converter.EVENT_RESOLVE_END,
  ({ project }) => {
    const names = ['iolite', ...Object.keys(exports).map(name => name.replace('.', 'iolite'))];
    const order = [...pages.map(({ title }) => title), ...names];
    for (const { children } of project.categories ?? [])
      children.sort((one, other) => order.indexOf(one.name) - order.indexOf(other.name));
  },
  -1000,
);

const project = await site.convert();
if (project === undefined) process.exit(1);
// What is in a literal is said by the docstring of what the literal is of.
site.options.setValue(
  'intentionallyNotDocumented',
  Object.values(project.reflections)
    .filter(isBare)
    .map(each => each.getFriendlyFullName()),
);
site.validate(project);
await site.generateOutputs(project);
const dead = deadLinksIn(SITE);
for (const link of dead) console.error(`A dead link: ${link}`);
if (site.logger.hasErrors() || site.logger.hasWarnings() || dead.length > 0) process.exit(1);
console.log('The documentation is in dist-docs/: open dist-docs/index.html');
