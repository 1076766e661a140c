import type { PhaseRecord } from './record';
import type { Report, Section } from './report';

export const reportFormats = ['text', 'markdown', 'html'] as const;
export type ReportFormat = (typeof reportFormats)[number];

/** A report in one of its formats. */
export function renderReport(report: Report, format: ReportFormat): string {
  return { text, markdown, html }[format](report);
}

function text({ title, facts, sections }: Report): string {
  const width = Math.max(...facts.map(([key]) => key.length));
  return `${[
    title,
    facts.map(([key, value]) => `  ${key.padEnd(width)}  ${value}`).join('\n'),
    ...sections.map((section) => [section.title, ...bodyLines(section).map((line) => `  ${line}`)].join('\n')),
  ].join('\n\n')}\n`;
}

function bodyLines(section: Section): string[] {
  if ('lines' in section) return [...section.lines];
  if ('blank' in section) return [`(${section.blank})`];
  if ('phases' in section) return section.phases.map((phase) => phaseLine(phase, section.from));
  return aligned([section.heads, ...section.table]);
}

function phaseLine({ name, startedAt, seconds, ok }: PhaseRecord, from: number): string {
  const at = ((Date.parse(startedAt) - from) / 1000).toFixed(1);
  return `${at.padStart(7)} s  ${name.padEnd(9)} ${seconds.toFixed(1).padStart(6)} s${ok ? '' : '  failed'}`;
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at]!))
      .join('  ')
      .trimEnd(),
  );
}

function markdown({ title, facts, sections }: Report): string {
  const cell = (value: string): string => value.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const table = (rows: readonly (readonly string[])[]): string => {
    const [heads, ...others] = rows.map((row) => `| ${row.map(cell).join(' | ')} |`);
    return [heads, `|${' --- |'.repeat(rows[0]!.length)}`, ...others].join('\n');
  };
  const body = (section: Section): string => {
    if ('blank' in section) return `_${section.blank}_`;
    if ('table' in section) return table([section.heads, ...section.table]);
    const lines = bodyLines(section);
    if (lines.length === 0) return 'All of them.';
    // A fence that is longer than any in the text.
    const fence = '`'.repeat(Math.max(3, ...lines.map((line) => (/`+/.exec(line)?.[0].length ?? 0) + 1)));
    return [fence, ...lines, fence].join('\n');
  };
  return `${[
    `# ${title}`,
    table([['', ''], ...facts]),
    ...sections.flatMap((section) => [`## ${section.title}`, body(section)]),
  ].join('\n\n')}\n`;
}

const style = `
:root { color-scheme: light dark; --line: #8886; --bar: #2f7d5b; --bad: #b3392c; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .2rem 1rem .2rem 0; vertical-align: top; border-bottom: 1px solid var(--line); }
pre { overflow-x: auto; padding: .7rem; border: 1px solid var(--line); } h2 { margin-top: 2rem; font-size: 1.1rem; }
.timeline { display: grid; grid-template-columns: 6rem 1fr 5rem; gap: .2rem .8rem; align-items: center; }
.track { position: relative; height: 1rem; background: var(--line); } .bar { position: absolute; height: 100%; min-width: 2px; background: var(--bar); }
.failed { background: var(--bad); } [contenteditable] { border: 1px dashed var(--line); padding: .7rem; min-height: 3rem; }`;

/** One page that needs nothing from elsewhere: it can be kept, and sent, as it is. */
function html({ title, facts, sections }: Report): string {
  const cells = (row: readonly string[], tag: string): string =>
    `<tr>${row.map((value) => `<${tag}>${escaped(value)}</${tag}>`).join('')}</tr>`;
  const body = (section: Section): string => {
    if ('blank' in section) return `<p contenteditable>${escaped(section.blank)}</p>`;
    if ('phases' in section) return timeline(section.phases, section.from, section.to);
    if ('table' in section) {
      return `<table>${cells(section.heads, 'th')}${section.table.map((row) => cells(row, 'td')).join('')}</table>`;
    }
    return section.lines.length === 0 ? '<p>All of them.</p>' : `<pre>${escaped(section.lines.join('\n'))}</pre>`;
  };
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title><meta name="viewport" content="width=device-width">
<style>${style}</style></head><body>
<h1>${escaped(title)}</h1>
<table>${facts.map((row) => cells(row, 'td')).join('')}</table>
${sections.map((section) => `<h2>${escaped(section.title)}</h2>\n${body(section)}`).join('\n')}
</body></html>
`;
}

function timeline(phases: readonly PhaseRecord[], from: number, to: number): string {
  const all = Math.max(1, to - from);
  const rows = phases.map(({ name, startedAt, seconds, ok }) => {
    const left = (100 * (Date.parse(startedAt) - from)) / all;
    const width = (100 * seconds * 1000) / all;
    const bar = `<div class="bar${ok ? '' : ' failed'}" style="left:${left.toFixed(2)}%;width:${width.toFixed(2)}%"></div>`;
    return `<span>${escaped(name)}</span><div class="track">${bar}</div><span>${seconds.toFixed(1)} s</span>`;
  });
  return `<div class="timeline">${rows.join('\n')}</div>`;
}

function escaped(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
