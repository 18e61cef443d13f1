/** How a request is written down: a JSON object, or Apache's combined format. */
export const ACCESS_LOG_FORMATS = ['json', 'combined'] as const
export type AccessLogFormat = (typeof ACCESS_LOG_FORMATS)[number]
