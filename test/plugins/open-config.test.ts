import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { readParsedConfig } from '../../src/core/config/load-config.js'
import { registryOf } from '../../src/core/config/registry.js'
import { builtIns } from '../../src/plugins/built-ins.js'
import { openConfig } from '../../src/plugins/open-config.js'
import { pluginFolder, type PluginFolder } from '../support/plugin-folder.js'

const LISTENERS = 'listeners: [{ address: "127.0.0.1:0", filters: [echo] }]\n'

/** Every finding of a configuration with these items in `plugins`: `line:column code path: message`. */
async function check(folder: PluginFolder, plugins: string, rest = LISTENERS): Promise<string[]> {
  const file = await folder.file('sluice.yaml', `plugins: ${plugins}\n${rest}`)
  const opened = await openConfig(`plugins: ${plugins}\n${rest}`, registryOf([builtIns]), { file })
  const { findings } = readParsedConfig(opened.parsed, opened.registry)
  return findings.map(({ line, column, code, path, message }) => `${line}:${column} ${code} ${path}: ${message}`)
}

/** A module whose default export is a plugin with this sniffer, or none. */
function pluginSource(name: string, sniffer = ''): string {
  return `export default { name: '${name}', apiVersion: 1, sniffers: [${sniffer || fixedSniffer(name, `${name} {hello}`)}] }`
}

/** Recognises one fixed text of the client. */
function fixedSniffer(protocol: string, text: string, more = ''): string {
  return `{
    protocol: '${protocol}', maxBytes: ${text.length}, samples: { client: ['${text}'] }, ${more}
    client(window) {
      for (let i = 0; i < ${text.length}; i++) {
        if (i === window.length) return 'need-more'
        if (window[i] !== '${text}'.charCodeAt(i)) return 'no-match'
      }
      return 'match'
    },
  }`
}

describe('plugins of a configuration', () => {
  test('are found by package name and by path, from the folder of the file', async () => {
    const folder = await pluginFolder()
    await folder.package('sluice-plugin-acme', pluginSource('acme'))
    await folder.package('@scope/plugin', pluginSource('scoped'))
    await folder.file('plugins/mine.mjs', pluginSource('mine'))
    await folder.file(
      'old.cjs',
      `exports.__esModule = true; exports.default = { name: 'old', apiVersion: 1, providers: [{ token: Symbol.for('x'), value: 1 }] }`,
    )
    const yaml = `plugins: [sluice-plugin-acme, ./plugins/mine.mjs, "@scope/plugin", ./old.cjs]\n${LISTENERS}`
    const opened = await openConfig(yaml, registryOf([builtIns]), { file: `${folder.path}/sluice.yaml` })
    const { findings, config, written } = readParsedConfig(opened.parsed, opened.registry)
    expect(findings).toEqual([])
    expect(config).toBeDefined()
    expect(opened.plugins.map(({ name }) => name)).toEqual(['acme', 'mine', 'scoped', 'old'])
    const builtInCount = registryOf([builtIns]).sniffers.length
    expect(opened.registry.sniffers.slice(builtInCount).map(({ protocol }) => protocol)).toEqual([
      'acme',
      'mine',
      'scoped',
    ])
    expect(written?.shown).toMatchObject({
      plugins: ['sluice-plugin-acme', './plugins/mine.mjs', '@scope/plugin', './old.cjs'],
    })
  })

  test('may stand in an object as they are, and are looked up from the folder that is given', async () => {
    const folder = await pluginFolder()
    await folder.package('named', pluginSource('named'))
    const acme = { name: 'acme', apiVersion: 1, providers: [{ token: Symbol.for('x'), value: 1 }] }
    const config = { plugins: [acme, 'named'], listeners: [{ address: '127.0.0.1:0', filters: ['echo'] }] }
    const opened = await openConfig(config, registryOf([builtIns]), { folder: folder.path })
    const { findings, written } = readParsedConfig(opened.parsed, opened.registry)
    expect(findings).toEqual([])
    expect(opened.plugins).toEqual([acme, expect.objectContaining({ name: 'named' })])
    expect(written?.shown).toMatchObject({ plugins: ['acme', 'named'] })
  })

  test('that are not there are all said at their places, with what to do', async () => {
    const folder = await pluginFolder()
    await folder.file('plugins/here.txt', '')
    await folder.package('unbuilt', '')
    await folder.file('node_modules/unbuilt/package.json', '{ "name": "unbuilt", "exports": "./dist/index.js" }')
    await folder.file('node_modules/closed/package.json', '{ "name": "closed", "exports": { "require": "./a.cjs" } }')
    const said = await check(folder, '[nowhere, ./plugins, ./gone.js, unbuilt, closed, mine.js, "node:fs"]')
    expect(said).toEqual([
      `1:11 SLUICE_PLUGIN_NOT_FOUND plugins[0]: plugin "nowhere" is not found: there is no such package in node_modules of ${folder.path}, or above: run "npm install nowhere" there`,
      `1:20 SLUICE_PLUGIN_NOT_FOUND plugins[1]: plugin "./plugins" is not found: ${folder.path}/plugins is not a file: name the file in it that exports the plugin`,
      `1:31 SLUICE_PLUGIN_NOT_FOUND plugins[2]: plugin "./gone.js" is not found: there is no file ${folder.path}/gone.js`,
      `1:42 SLUICE_PLUGIN_NOT_FOUND plugins[3]: plugin "unbuilt" is not found: its package is there, but not the file ${folder.path}/node_modules/unbuilt/dist/index.js: build the package`,
      expect.stringMatching(
        /^1:51 SLUICE_PLUGIN_NOT_FOUND plugins\[4\]: plugin "closed" is not found: its package does not let itself be imported: /,
      ),
      expect.stringMatching(/^1:59 SLUICE_PLUGIN_NOT_FOUND plugins\[5\]: .*\. If it is a file, write \.\/mine\.js$/),
      `1:68 SLUICE_PLUGIN_NOT_FOUND plugins[6]: plugin "node:fs" is not found: a plugin is a package, or a file by a path that begins with ./ or ../ or /`,
    ])
  })

  test('that throw, or import what is not there, are said beside all other errors', async () => {
    const folder = await pluginFolder()
    await folder.file('throws.mjs', `throw new Error('no license\\nfound')`)
    await folder.file('imports.mjs', `import 'not-installed'`)
    await folder.file('throws-text.mjs', `throw 'text'`)
    const rest = 'listeners: [{ address: "127.0.0.1:0", filters: [acme-filter, ecko] }]\n'
    const said = await check(folder, '[./throws.mjs, ./imports.mjs, ./throws-text.mjs]', rest)
    expect(said).toEqual([
      '1:11 SLUICE_PLUGIN_FAILED plugins[0]: plugin "./throws.mjs" threw while it loaded: no license found. Correct it, or take it out of "plugins"',
      expect.stringMatching(/^1:25 SLUICE_PLUGIN_FAILED plugins\[1\]: plugin "\.\/imports\.mjs" .*not-installed/),
      '1:40 SLUICE_PLUGIN_FAILED plugins[2]: plugin "./throws-text.mjs" threw while it loaded: text. Correct it, or take it out of "plugins"',
      // Not "acme-filter", which may be the filter of a plugin that did not load.
      '2:62 SLUICE_CONFIG_UNKNOWN_FILTER listeners[0].filters[1]: no filter "ecko". Did you mean "echo"?',
    ])
  })

  test('in TypeScript are refused where Node cannot run them', async () => {
    // Newer Nodes strip types: .ci/smoke-plugin has both sides, on a Node of each kind.
    const features = { value: { ...process.features, typescript: false } }
    vi.stubGlobal('process', Object.create(process, { features }))
    onTestFinished(() => void vi.unstubAllGlobals())
    const folder = await pluginFolder()
    await folder.file('mine.ts', 'export default {}')
    expect(await check(folder, '[./mine.ts]')).toEqual([
      `1:11 SLUICE_PLUGIN_TYPESCRIPT plugins[0]: plugin "./mine.ts" is TypeScript, which Node ${process.versions.node} cannot run: build it to JavaScript, or use Node 22.18 or newer`,
    ])
  })

  test.each([
    [
      'export const acme = 1',
      'plugin "./x.mjs" has no default export, it exports acme: write "export default { name, apiVersion: 1, … }"',
    ],
    [
      '',
      'plugin "./x.mjs" has no default export, it exports nothing: write "export default { name, apiVersion: 1, … }"',
    ],
    [
      'export default []',
      'plugin "./x.mjs" is no valid plugin: a plugin is an object with name, apiVersion, and what it brings',
    ],
    ['export default { name: "x" }', 'plugin "./x.mjs" is no valid plugin: apiVersion is missing: write apiVersion: 1'],
    [
      'export default { name: "x", apiVersion: 1 }',
      'plugin "./x.mjs" is no valid plugin: it brings nothing: it has neither sniffers nor filters nor endpointSources nor providers nor observers',
    ],
    [
      'export default { get name() { throw new Error("no name today") }, apiVersion: 1, sniffers: [] }',
      'plugin "./x.mjs" is no valid plugin: reading it threw: no name today',
    ],
    [
      'export default new Proxy({}, { has() { throw new Error("\\u001b[31mkeep out") } })',
      'plugin "./x.mjs" is no valid plugin: reading it threw: ?[31mkeep out',
    ],
    [
      'export default { name: "x", apiVersion: 1, sniffers: [{ protocol: "x", maxBytes: 1, samples: { client: [""] }, client() {} }] }',
      'plugin "./x.mjs" is no valid plugin: sniffers[0].samples.client[0]: a sample of no bytes shows nothing: give what is really said first',
    ],
    [
      'export default { apiVersion: 1, observers: [{ protocol: "x", create() {} }] }',
      'plugin "./x.mjs" is no valid plugin: name: "name" is missing',
    ],
    [
      'export default { name: "x", apiVersion: 1, sniffers: {} }',
      'plugin "./x.mjs" is no valid plugin: sniffers: expected a list, got a map',
    ],
    [
      'export default { name: "x", apiVersion: 1, sniffers: [{ protocol: "x", maxBytes: 0, samples: { client: ["a"] }, client() {} }] }',
      'plugin "./x.mjs" is no valid plugin: sniffers[0].maxBytes: must be at least 1, got 0',
    ],
    [
      'export default { name: "x", apiVersion: 1, sniffers: [{ protocol: "x", maxBytes: 1, samples: {}, client() {} }] }',
      'plugin "./x.mjs" is no valid plugin: sniffers[0].samples.client: it listens to the client, and has no sample of what a client says first: conflicts could not be found',
    ],
    [
      'export default { name: "x", apiVersion: 1, sniffers: [{ protocol: "opaque", maxBytes: 1, samples: { client: ["a"] }, client() {} }] }',
      'plugin "./x.mjs" is no valid plugin: sniffers[0].protocol: "opaque" and "detect" mean something else in port-override: choose another name',
    ],
    [
      'export default { name: "x", apiVersion: 1, filters: [{ name: "x", options: {}, create() {} }] }',
      'plugin "./x.mjs" is no valid plugin: filters[0].options: expected a Standard Schema: one of zod from 3.24 on, or an object with "~standard"',
    ],
    [
      'export default { name: "x", apiVersion: 1, filters: [{ name: "x", options: { "~standard": { validate() {} } } }] }',
      'plugin "./x.mjs" is no valid plugin: filters[0]: it needs either "create", a function, or "use", a class, that makes the filter',
    ],
    [
      'export default { name: "x", apiVersion: 1, providers: [{ token: "store", value: 1 }] }',
      'plugin "./x.mjs" is no valid plugin: providers[0].token: expected a token, made by token("acme/store")',
    ],
    [
      'export default { name: "x", apiVersion: 1, providers: [{ token: Symbol.for("x") }] }',
      'plugin "./x.mjs" is no valid plugin: providers[0]: it needs a "value", or a function "create" that makes it',
    ],
  ])('of a wrong shape are refused: %s', async (source, message) => {
    const folder = await pluginFolder()
    await folder.file('x.mjs', source)
    expect(await check(folder, '[./x.mjs]')).toEqual([`1:11 SLUICE_PLUGIN_INVALID plugins[0]: ${message}`])
  })

  test.each([
    ['2', 'upgrade sluice, or take an older version of the plugin'],
    ['0', 'take a newer version of the plugin'],
    ['"1"', 'take a newer version of the plugin'],
  ])('for plugin API %s are refused before their shape is looked at', async (version, remedy) => {
    const folder = await pluginFolder()
    await folder.file('x.mjs', `export default { name: 'x', apiVersion: ${version}, sniffers: 'in another form' }`)
    const message = `plugin "./x.mjs" is made for plugin API ${version}, and this sluice has 1: ${remedy}`
    expect(await check(folder, '[./x.mjs]')).toEqual([`1:11 SLUICE_PLUGIN_API_VERSION plugins[0]: ${message}`])
  })

  test('for an API version that is no number at all are refused the same way', async () => {
    const folder = await pluginFolder()
    await folder.file('x.mjs', `export default { name: 'x', apiVersion: 1n }`)
    await folder.file(
      'y.mjs',
      `const circle = {}; circle.self = circle; export default { name: 'x', apiVersion: circle }`,
    )
    expect(await check(folder, '[./x.mjs, ./y.mjs]')).toEqual([
      expect.stringMatching(/^1:11 SLUICE_PLUGIN_API_VERSION .* plugin API a bigint, and this sluice has 1/),
      expect.stringMatching(/^1:20 SLUICE_PLUGIN_API_VERSION .* plugin API a map, and this sluice has 1/),
    ])
  })

  test('cannot share names with each other or with what is built in', async () => {
    const folder = await pluginFolder()
    await folder.file('a.mjs', pluginSource('a'))
    await folder.file('again.mjs', pluginSource('a', fixedSniffer('other', 'other {')))
    await folder.file(
      'protocol.mjs',
      pluginSource('protocol', `${fixedSniffer('a', 'a {hello}')}, ${fixedSniffer('tls', 'tls {')}`),
    )
    const options = `options: { '~standard': { version: 1, vendor: 'x', validate: (value) => ({ value }) } }`
    await folder.file(
      'filter.mjs',
      `export default { name: 'filter', apiVersion: 1, filters: [{ name: 'echo', ${options}, create() {} }] }`,
    )
    expect(await check(folder, '[./a.mjs, ./again.mjs, ./protocol.mjs, ./filter.mjs]')).toEqual([
      '1:20 SLUICE_PLUGIN_DUPLICATE plugins[1]: plugin "a": its name is that of another plugin; rename it, or leave one of the plugins out',
      '1:33 SLUICE_PLUGIN_DUPLICATE plugins[2]: plugin "protocol": its sniffer "a" has the protocol of a sniffer of plugin "a"; rename it, or leave one of the plugins out',
      '1:33 SLUICE_PLUGIN_DUPLICATE plugins[2]: plugin "protocol": its sniffer "tls" has the protocol of a built-in sniffer; rename it, or leave one of the plugins out',
      '1:49 SLUICE_PLUGIN_DUPLICATE plugins[3]: plugin "filter": its filter "echo" has the name of a built-in filter; rename it, or leave one of the plugins out',
    ])
  })

  test('whose "before" goes round in a circle are refused, with the circle', async () => {
    const folder = await pluginFolder()
    await folder.file('a.mjs', pluginSource('a', fixedSniffer('a', 'a {hello}', `before: ['b'],`)))
    await folder.file('b.mjs', pluginSource('b', fixedSniffer('b', 'b {hello}', `before: ['a'],`)))
    expect(await check(folder, '[./a.mjs, ./b.mjs]')).toEqual([
      '1:20 SLUICE_PLUGIN_CIRCLE plugins[1]: "before" goes round in a circle: "b" (plugin "b") before "a" (plugin "a") before "b" (plugin "b"). Take one of them out',
    ])
  })

  test('that claim the same bytes are refused, with the bytes, until one comes before the other', async () => {
    const folder = await pluginFolder()
    await folder.file('a.mjs', pluginSource('a', fixedSniffer('a', 'HELLO {')))
    await folder.file('b.mjs', pluginSource('b', fixedSniffer('b', 'HELLO {')))
    await folder.file('c.mjs', pluginSource('c', fixedSniffer('c', 'HELLO {', `before: ['a'],`)))
    expect(await check(folder, '[./a.mjs, ./b.mjs]')).toEqual([
      '1:20 SLUICE_PLUGIN_CONFLICT plugins[1]: "b" (plugin "b") claims a sample of "a" (plugin "a"), client bytes 48 45 4c 4c 4f 20 7b "HELLO {": let the plugin\'s say no to it, or say who wins, with before: ["b"] in "a" or before: ["a"] in "b"',
    ])
    expect(await check(folder, '[./a.mjs, ./c.mjs]')).toEqual([])
  })

  test('that claim what a built-in sniffer knows are refused at their own place', async () => {
    const folder = await pluginFolder()
    await folder.file('a.mjs', pluginSource('a', fixedSniffer('a', 'SSH-2.0-Go {')))
    expect(await check(folder, '[./a.mjs]')).toEqual([
      expect.stringMatching(
        /^1:11 SLUICE_PLUGIN_CONFLICT plugins\[0\]: "ssh" \(built-in\) claims a sample of "a" \(plugin "a"\), client bytes 53 53 48 2d .* "SSH-2\.0-Go \{": .* with before: \["ssh"\] in "a"$/,
      ),
    ])
  })

  test('whose sample leaves an earlier sniffer wanting more are refused', async () => {
    const folder = await pluginFolder()
    await folder.file('a.mjs', pluginSource('a', fixedSniffer('a', 'ACME/')))
    await folder.file('b.mjs', pluginSource('b', fixedSniffer('b', 'ACME')))
    const said = await check(folder, '[./a.mjs, ./b.mjs]')
    expect(said).toContain(
      '1:20 SLUICE_PLUGIN_WAITS plugins[1]: "a" (plugin "a") is asked before "b" (plugin "b"), and wants more after its whole sample, client bytes 41 43 4d 45 "ACME": the name would have to wait. Remedies: let "a" say no sooner, or make the sample longer, or before: ["a"] in "b"',
    )
    // HTTP/1 takes any word for a method.
    expect(said.filter((line) => line.includes('"http/1" (built-in)'))).toHaveLength(1)
  })

  test('that do not know their own sample are refused', async () => {
    const folder = await pluginFolder()
    const deaf = `{ protocol: 'deaf', maxBytes: 4, samples: { server: ['deaf..'] }, server: () => 'no-match' }`
    await folder.file('a.mjs', pluginSource('a', deaf))
    expect(await check(folder, '[./a.mjs]')).toEqual([
      '1:11 SLUICE_PLUGIN_SAMPLE plugins[0]: plugin "a": the sniffer of "deaf" says no to its own server sample 64 65 61 66 2e 2e "deaf..": a sample is what it recognises',
    ])
  })

  test('whose sniffer answers with what is no verdict are refused, and accused of nothing else', async () => {
    const folder = await pluginFolder()
    const promises = `{ protocol: 'later', maxBytes: 4, samples: { server: ['deaf..'] }, server: async () => 'match' }`
    await folder.file('a.mjs', pluginSource('a', promises))
    expect(await check(folder, '[./a.mjs]')).toEqual([
      '1:11 SLUICE_PLUGIN_SAMPLE plugins[0]: plugin "a": the sniffer of "later" fails (a sniffer answered with a value of type object, which is no verdict) on its own server sample 64 65 61 66 2e 2e "deaf..": a sample is what it recognises',
    ])
  })

  test('named by a dot are no package', async () => {
    const folder = await pluginFolder()
    expect(await check(folder, '["."]')).toEqual([
      `1:11 SLUICE_PLUGIN_NOT_FOUND plugins[0]: plugin "." is not found: ${folder.path} is not a file: name the file in it that exports the plugin`,
    ])
  })

  test('have to be a list of texts', async () => {
    const folder = await pluginFolder()
    expect(await check(folder, 'acme')).toEqual([
      '1:10 SLUICE_CONFIG_WRONG_TYPE plugins: expected a list of plugins, got "acme"',
    ])
    expect(await check(folder, '[{ name: acme }, ""]')).toEqual([
      '1:11 SLUICE_CONFIG_WRONG_TYPE plugins[0]: expected the name of a package, or a path such as ./plugins/acme.js, got a map',
      '1:27 SLUICE_CONFIG_WRONG_TYPE plugins[1]: expected the name of a package, or a path such as ./plugins/acme.js, got ""',
    ])
  })
})
