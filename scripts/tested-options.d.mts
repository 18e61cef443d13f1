/** A test that says of which options it is. */
export interface OptionTest {
  /** As in the page: `filter http-route timeouts`. */
  readonly subject: string
  readonly options: readonly string[]
  /** What it says of them. */
  readonly title: string
  /** From the root. */
  readonly file: string
  /** What it does. */
  readonly body: string
}

/** The tests in `test/e2e/` that say of which options they are. */
export declare function optionTests(): OptionTest[]

/** In one file. */
export declare function optionTestsIn(file: string, text: string): OptionTest[]

/** The tests of an option as a cell of a table in the page `page`, whose path is from the root; empty where there are none. */
export declare function testsCell(
  tests: readonly OptionTest[],
  page: string,
): (subject: string, option: string) => string
