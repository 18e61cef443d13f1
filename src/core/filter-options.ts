/**
 * The options that each filter takes, as a program writes them, by the filter's name. Filters add themselves by declaration merging:
 * the built-in ones in `plugins/built-in-filter-options.ts`, those of a plugin in the plugin:
 *
 *     declare module 'sluice' {
 *       interface FilterOptionsMap {
 *         'acme-source-quota': z.input<typeof options>
 *       }
 *     }
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- it is there to be merged with
export interface FilterOptionsMap {}

/**
 * A filter in a chain: its name alone, or one key, its name, with the options below it. The compiler knows the filters that are in
 * the map: their options, and their names where they stand alone, so that a misspelt one does not compile. A filter that is not in
 * the map is written with options, `{ 'acme-quota': {} }`, and checked at start-up only.
 */
export type FilterInput = KnownFilter | OtherFilter

type KnownFilter = { [Name in keyof FilterOptionsMap]: Name | OneFilter<Name> }[keyof FilterOptionsMap]

type OneFilter<Name extends keyof FilterOptionsMap> = { readonly [N in Name]: FilterOptionsMap[N] | null } & {
  readonly [Other in Exclude<keyof FilterOptionsMap, Name>]?: never
}

type OtherFilter = { readonly [Name in keyof FilterOptionsMap]?: never } & { readonly [name: string]: unknown }
