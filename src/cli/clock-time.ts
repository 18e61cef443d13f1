/** `17:31:02.114`, in the local time zone: what lines for people begin with. */
export function clockTime(at: Date): string {
  const pad = (value: number, width: number): string => String(value).padStart(width, '0')
  return `${pad(at.getHours(), 2)}:${pad(at.getMinutes(), 2)}:${pad(at.getSeconds(), 2)}.${pad(at.getMilliseconds(), 3)}`
}
