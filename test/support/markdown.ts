/** The cells of every table row whose first cell matches, in order, trimmed; `\|` is a bar. */
export function tableRows(markdown: string, firstCell: RegExp): string[][] {
  return markdown
    .split("\n")
    .filter((line) => line.startsWith("|") && line.trimEnd().endsWith("|"))
    .map((line) =>
      line
        .trim()
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll("\\|", "|")),
    )
    .filter(([first]) => first !== undefined && firstCell.test(first));
}
