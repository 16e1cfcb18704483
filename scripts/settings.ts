/**
 * Writes what follows from the schema of the settings of `iolite serve`: the JSON Schema for editors, and the
 * table of docs/settings.md. `npm run settings`
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { SettingsSchema } from '../src/cli/serve/settings/settings-schema.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SCHEMA_FILE = join(ROOT, 'settings.schema.json');
const TABLE_FILE = join(ROOT, 'docs/settings.md');
const TABLE = /(<!-- settings -->)[\s\S]*(<!-- end of settings -->)/;

type Schema = v.GenericSchema & {
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly wrapped?: Schema;
  readonly item?: Schema;
  readonly value?: Schema;
  readonly options?: readonly Schema[];
};

/** As what is walked through. */
const SETTINGS = SettingsSchema as unknown as Schema;

/** The JSON Schema, as a file has it. */
function schemaText(): string {
  const schema = toJsonSchema(SettingsSchema, {
    typeMode: 'input',
    errorMode: 'ignore',
    overrideSchema: ({ valibotSchema, jsonSchema }) => {
      const description = v.getDescription(innermost(valibotSchema as Schema));
      return description === undefined ? undefined : { ...jsonSchema, description };
    },
  });
  return `${JSON.stringify({ title: 'Settings of iolite serve', ...schema }, null, 2)}\n`;
}

/** A page with its table as it should be. */
function withTable(page: string): string {
  const rows = rowsOf(SETTINGS, '').map(([name, what]) => `| \`${name}\` | ${what} |`);
  const table = `| setting | meaning |\n|---|---|\n${rows.join('\n')}`;
  return page.replace(TABLE, (_, begin, end) => `${begin}\n\n${table}\n\n${end}`);
}

/** Settings by their places, with what they mean. Those of a host are said once. */
function rowsOf(schema: Schema, place: string): [name: string, what: string][] {
  return Object.entries(entriesOf(schema)).flatMap(([key, each]) => {
    const name = `${place}${key}`;
    const what = v.getDescription(innermost(each)) ?? '';
    const own: [string, string][] = [[name, what.replaceAll('|', '\\|').replaceAll(/([<*])/g, '\\$1')]];
    if (key === 'hosts' || (place === 'rules[].' && key in entriesOf(SETTINGS))) return own;
    return [...own, ...rowsOf(each, isList(each) ? `${name}[].` : `${name}.`)];
  });
}

function innermost(schema: Schema): Schema {
  return schema.wrapped === undefined ? schema : innermost(schema.wrapped);
}

function isList(schema: Schema): boolean {
  return innermost(schema).type === 'array';
}

/** The entries of an object, or of the one object among several choices, or in a list. */
function entriesOf(schema: Schema): Readonly<Record<string, Schema>> {
  const { entries, wrapped, item, options } = schema;
  const inside = [wrapped, item, ...(options ?? [])].filter(each => typeof each === 'object') as Schema[];
  return entries ?? Object.assign({}, ...inside.map(entriesOf));
}

const page = readFileSync(TABLE_FILE, 'utf8');
if (process.argv.includes('--check')) {
  if (readFileSync(SCHEMA_FILE, 'utf8') !== schemaText() || page !== withTable(page)) {
    console.error(`${SCHEMA_FILE} or ${TABLE_FILE} is not as the schema is: npm run settings`);
    process.exitCode = 1;
  }
} else {
  writeFileSync(SCHEMA_FILE, schemaText());
  writeFileSync(TABLE_FILE, withTable(page));
}
