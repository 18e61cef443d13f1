/**
 * Measures Sluice side by side with other proxies and prints every round, medians, ratios and floors.
 * How it measures and what the figures mean: docs/guide/benchmarks.md.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'

import { describeEnvironment } from './environment.mjs'
import { listCores } from './interval.mjs'
import { pickByName, readOptions, USAGE, UsageError } from './options.mjs'
import { killAll, pinSelf, ProcessGroup } from './process-group.mjs'
import { bulk } from './scenarios/bulk.mjs'
import { greeting } from './scenarios/greeting.mjs'
import { grpcUnary, http2Requests } from './scenarios/http2.mjs'
import { idlePairs } from './scenarios/idle-pairs.mjs'
import { newConnections } from './scenarios/new-connections.mjs'
import { burstRequests, pacedRequests } from './scenarios/paced-requests.mjs'
import { routedRequests } from './scenarios/routed-requests.mjs'
import { smallRequests } from './scenarios/small-requests.mjs'
import { Stand } from './stand.mjs'
import { floorTable, greetingTable, medianFigure, roundLine, scenarioTable } from './tables.mjs'
import { missingProgram, TARGETS } from './targets.mjs'

const SCENARIOS = [
  smallRequests,
  routedRequests,
  pacedRequests,
  burstRequests,
  newConnections,
  bulk,
  http2Requests,
  grpcUnary,
  idlePairs,
  greeting,
]

/** A round that other processes disturbed is measured again, at most so often; then it stands, with its warning. */
const MAX_REPEATS = 2

/** What a signal adds to the exit code, as a shell has it. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }

let options
try {
  options = readOptions(process.argv.slice(2))
  if (options.help) console.log(USAGE)
  else await main(pickByName(SCENARIOS, options.scenarios, 'scenario'), pickByName(TARGETS, options.only, 'column'))
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error)
  process.exit(error instanceof UsageError ? 2 : 1)
}

async function main(scenarios, targets) {
  checkCores(options)
  checkFiles(options)
  pinSelf(options.loadCores)
  const directory = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  // The exit handler sees every way out: the end, a failure, a signal.
  process.on('exit', () => {
    killAll()
    rmSync(directory, { recursive: true, force: true })
  })
  for (const [signal, code] of Object.entries(SIGNALS)) process.once(signal, () => process.exit(code))

  const environment = describeEnvironment(options)
  printHeading(environment)
  const present = targets.filter((target) => isPresent(target, scenarios))
  const all = new Map()
  for (const scenario of scenarios) {
    const results = await runScenario(scenario, present, directory)
    if (results === undefined) continue
    all.set(scenario.name, results)
    console.log(`\nMedians, ${scenario.title}:\n\n${scenarioTable(scenario, results)}\n`)
    if (scenario === greeting) console.log(`${greetingTable(results)}\n`)
  }
  console.log(`Floors (Node 24, default chain; measured on ${environment.node}):\n\n${floorTable(all, TARGETS)}`)
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(toJson(environment, all), null, 2) + '\n')
  const rounds = [...all.values()].flatMap((results) => [...results.values()].flatMap((result) => result.rounds))
  if (rounds.some((round) => round.errors.length > 0)) process.exitCode = 1
}

/** Runs A B C, A B C, ...: what changes on the machine over time so meets all of them. */
async function runScenario(scenario, targets, directory) {
  const missing = scenario.needs.map(missingProgram).find((reason) => reason !== undefined)
  if (missing !== undefined) {
    console.log(`\n${scenario.name} is left out: ${missing}`)
    return undefined
  }
  const taking = targets.filter((target) => target.scenarios.includes(scenario.name))
  const results = new Map(taking.map((target) => [target.name, { target, rounds: [] }]))
  console.log(`\n${scenario.name}: ${scenario.title}`)
  for (let number = 1; number <= options.rounds; number++) {
    for (const target of taking) {
      results.get(target.name).rounds.push(await runUndisturbed(scenario, target, number, directory))
    }
  }
  return results
}

async function runUndisturbed(scenario, target, number, directory) {
  for (let repeat = 0; ; repeat++) {
    const round = await runRound(scenario, target, directory)
    const isFinal = !round.disturbed || repeat === MAX_REPEATS
    console.log(roundLine(scenario, target, number, round) + (isFinal ? '' : '\n      not counted: measured again'))
    if (isFinal) return round
  }
}

async function runRound(scenario, target, directory) {
  const group = new ProcessGroup()
  const folder = mkdtempSync(join(directory, 'round-'))
  const stand = new Stand({ target, options, group, directory: folder })
  try {
    const round = await scenario.run(stand)
    group.assertAlive()
    return round
  } catch (error) {
    const proxyText = stand.proxy === undefined ? '' : stand.proxy.errorText
    const text = error.message.includes(proxyText) ? error.message : `${error.message}\n${proxyText}`
    return { figures: {}, warnings: [], errors: [text.trim()] }
  } finally {
    await group.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function isPresent(target, scenarios) {
  if (!scenarios.some(({ name }) => target.scenarios.includes(name))) return false
  const reason = target.missing(options)
  if (reason !== undefined) console.log(`${target.title} is left out: ${reason}`)
  return reason === undefined
}

function checkCores({ proxyCore, loadCores }) {
  const cores = listCores(loadCores)
  if (cpus().length < 2) throw new UsageError('two cores are needed: one for the proxy, one for origin and load')
  if (cores.includes(proxyCore)) throw new UsageError(`core ${proxyCore} cannot be the proxy's and the load's`)
  const absent = [proxyCore, ...cores].find((core) => core >= cpus().length)
  if (absent !== undefined) throw new UsageError(`there is no core ${absent}: this machine has ${cpus().length}`)
}

/** Before anything is measured: a run whose result cannot be written at the end is lost. */
function checkFiles({ node, json }) {
  try {
    execFileSync(node, ['--version'])
    if (json !== undefined) closeSync(openSync(json, 'a'))
  } catch (error) {
    throw new UsageError(error.message, { cause: error })
  }
}

function printHeading(environment) {
  const { date, cpu, cores, memoryGibibytes, kernel, node, loadNode, sluice, haproxy, nginx, wrk, curl } = environment
  console.log(`${date}  ${cpu}, ${cores} cores, ${memoryGibibytes} GiB, Linux ${kernel}
sluice ${sluice} on node ${node} · haproxy ${haproxy} · nginx ${nginx} · load: wrk ${wrk}, curl ${curl}, node ${loadNode}
each proxy alone on core ${options.proxyCore}, origin and load on ${options.loadCores}; loopback; no access logs; HAProxy nbthread 1, without splice
(its default) unless named; nginx one worker; ${options.rounds} interleaved rounds, every process fresh in each; ${options.seconds} s measured after a warm-up`)
}

function toJson(environment, all) {
  const scenarios = Object.fromEntries(
    [...all].map(([name, results]) => {
      const { columns } = SCENARIOS.find((scenario) => scenario.name === name)
      const medians = ({ rounds }) => Object.fromEntries(columns.map(({ key }) => [key, medianFigure(rounds, key)]))
      const targets = [...results].map(([target, result]) => [
        target,
        { medians: medians(result), rounds: result.rounds },
      ])
      return [name, Object.fromEntries(targets)]
    }),
  )
  const { rounds, seconds, bulkBytes, pairs, proxyCore, loadCores } = options
  return { environment, options: { rounds, seconds, bulkBytes, pairs, proxyCore, loadCores }, scenarios }
}
