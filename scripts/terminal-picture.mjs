// @ts-check
// Draws what a command printed as a picture of a terminal:  npm start | node scripts/terminal-picture.mjs > docs/npm-start.svg
// Lines are taken as they are; commands ($ …) and headings (━━ …) stand out.

const [columns, lineHeight, charWidth, pad] = [112, 17, 7.8, 16];
const colours = { text: '#d0d7de', command: '#7ee787', heading: '#79c0ff', dim: '#8b949e' };

let input = '';
for await (const chunk of process.stdin.setEncoding('utf8')) input += chunk;

const lines = input
  .replace(/\u001b\[[0-9;]*[A-Za-z]/g, '')
  .trimEnd()
  .split('\n')
  .map((line) => (line.length > columns ? `${line.slice(0, columns - 1)}…` : line));

/** @param {string} line */
function colourOf(line) {
  if (line.startsWith('$ ')) return colours.command;
  if (line.startsWith('━━')) return colours.heading;
  return /^ {2}(volume|network|container) /.test(line) ? colours.dim : colours.text;
}

/** @param {string} text */
const escaped = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

const width = Math.ceil(columns * charWidth + 2 * pad);
const height = lines.length * lineHeight + 2 * pad;
console.log(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13" xml:space="preserve">
${lines.map((line, index) => `<text x="${pad}" y="${pad + (index + 0.8) * lineHeight}" fill="${colourOf(line)}">${escaped(line)}</text>`).join('\n')}
</g>
</svg>`);
