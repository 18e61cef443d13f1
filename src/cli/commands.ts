import type { CommandEntry } from './command-entry.js'

/** All commands, in the order in which the help shows them. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    term: 'run [options]',
    description: 'run a configuration',
    load: async () => (await import('./run.js')).defineRun,
  },
  {
    term: 'proxy [options] <listen> <destination>',
    description: 'carry one port to one destination, without a file',
    load: async () => (await import('./proxy.js')).defineProxy,
  },
  {
    term: 'check|validate [options] [file]',
    description: 'find all errors of a configuration, without starting anything',
    load: async () => (await import('./check.js')).defineCheck,
  },
  {
    term: 'schema [options]',
    description: 'print the JSON Schema of the configuration, for editors',
    load: async () => (await import('./schema.js')).defineSchema,
  },
  {
    term: 'explain [options] [id]',
    description: 'say why a connection was named, carried or denied as it was',
    load: async () => (await import('./explain.js')).defineExplain,
  },
  {
    term: 'sniff [options]',
    description: 'name recorded conversations: JSON lines in, JSON lines out',
    load: async () => (await import('./sniff.js')).defineSniff,
  },
  {
    term: 'learn [options]',
    description: 'say what destinations turned out to speak, as a port-override filter',
    load: async () => (await import('./learn.js')).defineLearn,
  },
  {
    term: 'tap [options]',
    description: 'show HTTP requests as they end',
    load: async () => (await import('./tap.js')).defineTap,
  },
  {
    term: 'await [options]',
    description: 'wait until a running Sluice is ready',
    load: async () => (await import('./await.js')).defineAwait,
  },
  {
    term: 'inject [options] <manifests...>',
    description: 'put a sidecar beside the workloads of Kubernetes manifests',
    load: async () => (await import('./inject.js')).defineInject,
  },
  {
    term: 'uninject <manifests...>',
    description: 'take out of Kubernetes manifests what "sluice inject" put in',
    load: async () => (await import('./uninject.js')).defineUninject,
  },
  {
    term: 'intercept [options]',
    description: 'write, show or remove the iptables rules that bring connections to the proxy',
    load: async () => (await import('./intercept.js')).defineIntercept,
  },
  {
    term: 'doctor [options]',
    description: 'say what of this machine Sluice can use, what is missing, and what that costs',
    load: async () => (await import('./doctor.js')).defineDoctor,
  },
  {
    term: 'quickstart',
    description: 'see it work: a proxy before servers that it brings along',
    load: async () => (await import('./quickstart.js')).defineQuickstart,
  },
  {
    term: 'new',
    description: 'make something new',
    load: async () => (await import('./new-plugin.js')).defineNew,
  },
]
