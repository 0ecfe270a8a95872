/** The style of the page: light and dark, from a phone's width up. */

export const STYLE = String.raw`
:root { color-scheme: light dark; --ink: #1a1c1e; --soft: #4c5257; --paper: #fbfbfa; --card: #ffffff;
  --rule: #d5d8da; --a: #0b5cad; --b: #a84a00; --c: #00705a; --alarm: #a3160d; }
@media (prefers-color-scheme: dark) { :root { --ink: #eceeef; --soft: #b3b9be; --paper: #15181a;
  --card: #1e2225; --rule: #3a4045; --a: #74b6ff; --b: #ffb16b; --c: #66d9ba; --alarm: #ff9d92; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--paper); color: var(--ink);
  font: 16px/1.45 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.4rem; } h2 { margin: 0; font-size: 1rem; }
header p, .legend, output { color: var(--soft); margin: .2rem 0; font-size: .9rem; }
#problem:not(:empty) { color: var(--alarm); font-weight: 600; }
form { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; margin: .8rem 0; }
fieldset { border: 0; margin: 0; padding: 0; display: flex; gap: .8rem; }
legend { float: left; margin-right: .8rem; }
button { font: inherit; padding: .25rem .8rem; border: 1px solid var(--soft); border-radius: .4rem;
  background: var(--card); color: var(--ink); }
:focus-visible { outline: 3px solid var(--a); outline-offset: 2px; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .6rem; margin: 0 0 1rem; }
dl div, .chart { background: var(--card); border: 1px solid var(--rule); border-radius: .6rem; padding: .6rem .8rem; }
dt { color: var(--soft); font-size: .85rem; } dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
#charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1rem; }
.legend span { margin-right: 1rem; white-space: nowrap; }
.legend svg { width: 1.8rem; height: .7rem; margin-right: .35rem; }
.plot { display: block; width: 100%; height: 11rem; touch-action: pan-y; }
output { display: block; min-height: 1.4em; font-variant-numeric: tabular-nums; }
.plot text { fill: var(--soft); font-size: 12px; }
.plot .rule { stroke: var(--rule); } .plot .cursor { stroke: var(--soft); }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.a { stroke: var(--a); } .b { stroke: var(--b); stroke-dasharray: 7 3; } .c { stroke: var(--c); stroke-dasharray: 2 3; }
footer { color: var(--soft); font-size: .9rem; margin-top: 1rem; }
a { color: var(--a); }
`;
