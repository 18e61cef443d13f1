// Finds, without running them, the end-to-end tests that say in their titles of which options they are:
//
//   describe('options of filter http-route timeouts', () => {
//     test('header, idle: what is true of both', ...)
//
// The title of `describe` names the table as the page does, that of `test` begins with rows of it.
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import ts from 'typescript'

const root = new URL('../', import.meta.url)
const FOLDER = 'test/e2e/'
const GROUP = /^options of (.+)$/
const TITLE = /^([A-Za-z0-9]+(?:, [A-Za-z0-9]+)*): (.+)$/s

export function optionTests() {
  const names = readdirSync(new URL(FOLDER, root)).filter((name) => name.endsWith('.test.ts'))
  return names
    .sort()
    .flatMap((name) => optionTestsIn(`${FOLDER}${name}`, readFileSync(new URL(FOLDER + name, root), 'utf8')))
}

export function optionTestsIn(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const tests = []
  visit(source, undefined)
  return tests

  function visit(node, subject) {
    const call = ts.isCallExpression(node) ? titledCall(node) : undefined
    const named = call?.name === 'describe' ? GROUP.exec(call.title)?.[1] : undefined
    if (call?.name === 'test' && subject !== undefined) tests.push(testOf(call, subject))
    ts.forEachChild(node, (child) => visit(child, named ?? subject))
  }

  function testOf({ title, node }, subject) {
    const [, options, sentence] = TITLE.exec(title) ?? []
    if (options === undefined)
      throw new Error(`${file}: "${title}" does not begin with options of ${subject}: "name: ..."`)
    return { subject, options: options.split(', '), title: sentence, file, body: node.getText() }
  }
}

export function testsCell(tests, page) {
  return (subject, option) =>
    tests
      .filter((test) => test.subject === subject && test.options.includes(option))
      .map(({ title, file }) => `[${escaped(title)}](${posix.relative(posix.dirname(page), file)})`)
      .join('<br>')
}

/** `test('title', ...)`, and what `test.each(...)` and `describe.skipIf(...)` give, called with a title. */
function titledCall(node) {
  const [first] = node.arguments
  if (first === undefined || !(ts.isStringLiteralLike(first) || ts.isTemplateExpression(first))) return undefined
  const name = calleeName(node.expression)
  if (name !== 'describe' && name !== 'test') return undefined
  return { name, title: titleOf(first), node }
}

function calleeName(expression) {
  if (ts.isIdentifier(expression)) return expression.text
  if (ts.isPropertyAccessExpression(expression) || ts.isCallExpression(expression))
    return calleeName(expression.expression)
  return undefined
}

/** Of a template what stands before the first thing that is put in: why it is skipped. */
function titleOf(literal) {
  return ts.isTemplateExpression(literal) ? literal.head.text : literal.text
}

function escaped(text) {
  return text.replaceAll('|', '\\|').replaceAll('[', '\\[').replaceAll(']', '\\]')
}
