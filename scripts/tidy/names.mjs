import ts from 'typescript';
import { lineOf } from './project.mjs';

/**
 * What a file of src/ declares and exports has a name that no other file of src/ gives to what it exports: no
 * name has two meanings. To re-export is not to declare.
 */
export function sharedNames(project) {
  const owners = new Map();
  for (const path of project.code('src')) {
    for (const { name, node } of exportsOf(project.tree(path))) {
      const known = owners.get(name) ?? new Map();
      if (!known.has(path)) known.set(path, lineOf(node));
      owners.set(name, known);
    }
  }
  return [...owners].flatMap(([name, places]) => {
    const [[first], ...others] = places;
    return others.map(([path, line]) => ({ path, line, what: `${first} exports another ${name}` }));
  });
}

/** The names that a file exports of what it declares itself, each with its declaration. */
function exportsOf(tree) {
  const declared = tree.statements.flatMap(declarationsOf);
  const known = new Map(declared.map(({ name, node }) => [name, node]));
  const listed = tree.statements
    .filter(each => ts.isExportDeclaration(each) && each.moduleSpecifier === undefined)
    .flatMap(({ exportClause }) => exportClause?.elements ?? [])
    .filter(({ name, propertyName }) => known.has((propertyName ?? name).text))
    .map(element => ({ name: element.name.text, node: element }));
  return [...declared.filter(({ exported }) => exported), ...listed];
}

/** What a statement declares, and whether it exports it by that name. */
export function declarationsOf(statement) {
  const has = kind => statement.modifiers?.some(modifier => modifier.kind === kind) ?? false;
  const exported = has(ts.SyntaxKind.ExportKeyword) && !has(ts.SyntaxKind.DefaultKeyword);
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations
      .filter(({ name }) => ts.isIdentifier(name))
      .map(node => ({ name: node.name.text, node, exported }));
  }
  const isDeclaration =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isEnumDeclaration(statement);
  if (!isDeclaration || statement.name === undefined) return [];
  return [{ name: statement.name.text, node: statement, exported }];
}
