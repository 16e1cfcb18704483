import { basename } from 'node:path';
import ts from 'typescript';
import { declarationsOf } from './names.mjs';
import { lineOf } from './project.mjs';

/** What a name may end in, after an underscore; besides plural nouns, which are what is counted. */
const UNITS = [
  // Time.
  ...['MS', 'US', 'NS', 'SECONDS'],
  // Sizes, in bytes and in the mebibytes that users state.
  ...['BYTES', 'MIB'],
  // A share, from 0 to 1; a degree, as of a compression; of a format; a place in a layout.
  ...['PART', 'LEVEL', 'VERSION', 'AT'],
  // Numbers that everybody writes in decimal though they count nothing.
  ...['FD', 'PORT'],
];
const PLURAL = /(?:S|CHILDREN)$/;
/** ADDRESS, STATUS, BASIS. */
const SINGULAR = /(?:SS|US|IS)$/;

/**
 * A constant that is a number says of what. Written in decimal, or as arithmetic with a decimal number, it is
 * a quantity: its name ends in its unit, or in what is counted, in the plural: `PAUSE_MS`, `MAX_TRIES`.
 * Written in hexadecimal, octal or binary it is a code (a character, a number of the kernel, a mask), which
 * has no unit; so is all in a file `constants.ts`, whose names and numbers are another's. Holds for constants
 * in upper case at the top of the modules of src/, bench/, chaos/ and scripts/.
 */
export function unitless(project) {
  return project
    .code('src', 'bench', 'chaos', 'scripts')
    .filter(path => basename(path) !== 'constants.ts')
    .flatMap(path =>
      project
        .tree(path)
        .statements.flatMap(declarationsOf)
        .filter(({ name, node }) => isConstant(node, name) && isQuantity(node.initializer) && !hasUnit(name))
        .map(({ name, node }) => ({
          path,
          line: lineOf(node),
          what: `${name} is a quantity; its name ends in no unit and no plural (a code is written in hex)`,
        })),
    );
}

function isConstant(node, name) {
  return ts.isVariableDeclaration(node) && /^[A-Z][A-Z0-9_]*$/.test(name) && node.initializer !== undefined;
}

function hasUnit(name) {
  const last = name.slice(name.lastIndexOf('_') + 1);
  return (name.includes('_') && UNITS.includes(last)) || (PLURAL.test(last) && !SINGULAR.test(last));
}

function isQuantity(expression) {
  const leaves = leavesOf(expression);
  return leaves?.some(isDecimal) === true && !leaves.some(leaf => isNumber(leaf) && !isDecimal(leaf));
}

/** The numbers and names that arithmetic consists of; undefined if it is something else. */
function leavesOf(node) {
  if (isNumber(node) || ts.isIdentifier(node) || ts.isPropertyAccessExpression(node)) return [node];
  if (ts.isBinaryExpression(node)) {
    const [left, right] = [leavesOf(node.left), leavesOf(node.right)];
    return left && right && [...left, ...right];
  }
  if (ts.isPrefixUnaryExpression(node)) return leavesOf(node.operand);
  const isWrapped =
    ts.isParenthesizedExpression(node) || ts.isAsExpression(node) || ts.isSatisfiesExpression(node);
  return isWrapped ? leavesOf(node.expression) : undefined;
}

function isNumber(node) {
  return ts.isNumericLiteral(node) || ts.isBigIntLiteral(node);
}

function isDecimal(node) {
  return isNumber(node) && !/^0[xob]/i.test(node.getText());
}
