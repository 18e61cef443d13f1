/** Of the generated input where none is given; the same seed gives the same input. */
export const DEFAULT_SEED = 1
/** Generated inputs a side. */
export const DEFAULT_RUNS = 500
