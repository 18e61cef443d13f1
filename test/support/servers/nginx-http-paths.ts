/** Folders that nginx would make under its own prefix, where a plain user may not write; and no access log. For an `http` block. */
export function nginxHttpPaths(folder: string): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `access_log off; ${kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')}`
}
