/** The page: one document with its style and script in it, which the content policy allows by hash. */

import { createHash } from "node:crypto";
import { SCRIPT } from "./page_script.ts";
import { STYLE } from "./page_style.ts";

export const PAGE_TYPE = "text/html; charset=utf-8";

export interface Page {
  readonly html: string;
  readonly contentPolicy: string;
}

const BODY = `<header>
<h1 id="title">kg</h1>
<p id="facts">asking the server …</p>
<p id="problem" role="status"></p>
</header>
<main>
<form>
<fieldset>
<legend>Time shown</legend>
<label><input type="radio" name="span" value="60"> 1 min</label>
<label><input type="radio" name="span" value="120"> 2 min</label>
<label><input type="radio" name="span" value="300" checked> 5 min</label>
</fieldset>
<button type="button" id="pause" aria-pressed="false">Pause</button>
</form>
<h2 id="now-title">Now</h2>
<dl id="now" aria-labelledby="now-title"></dl>
<div id="charts"></div>
</main>
<footer>
<p>Times are in the server, without the network, to within a fifth. On a chart, the arrow keys or the
pointer tell a moment's figures. For Prometheus: <a href="metrics">metrics</a>. Keys are never shown
here; <code>kg top</code> shows the hottest.</p>
</footer>`;

/** Made once, when the server starts. */
export function makePage(): Page {
  return {
    html: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>kg</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
${BODY}
<script>${SCRIPT}</script>
</body>
</html>
`,
    contentPolicy: [
      ...["default-src 'none'", "connect-src 'self'", "img-src data:"],
      `script-src '${hashOf(SCRIPT)}'`,
      `style-src '${hashOf(STYLE)}'`,
      ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
    ].join("; "),
  };
}

/** Content Security Policy Level 3, section 2.3.1. */
function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
