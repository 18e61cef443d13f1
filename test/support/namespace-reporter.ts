import type { Reporter, TestModule } from 'vitest/node'

/** Says at the end of a run how many tests ran in network namespaces: none is what a machine without them looks like. */
export class NamespaceReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const ran = tests.filter((test) => test.meta().inNetworkNamespaces === true)
    const failed = ran.filter((test) => test.result().state === 'failed')
    console.log(`\n  In network namespaces: ${ran.length} tests ran, ${failed.length} failed`)
  }
}
