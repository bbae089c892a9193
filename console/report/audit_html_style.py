"""The look of the audit's page: one column that fits a phone, both colour schemes, and paper."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b1f24;--back:#fff;--soft:#59636e;--line:#d1d9e0;--box:#f6f8fa;
--red:#b3261e;--green:#116329;--amber:#7d4e00;--violet:#6639ba;--blue:#0a53a8}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--back:#0d1117;--soft:#9aa4af;--line:#3d444d;--box:#161b22;
--red:#ff8f87;--green:#5fd07a;--amber:#e3b341;--violet:#c297ff;--blue:#79b8ff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:1rem;color:var(--ink);background:var(--back);
font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem}h3{font-size:1rem;margin:1.25rem 0 .5rem}
p{margin:.4rem 0}ul{margin:.4rem 0;padding-left:1.2rem}a{color:var(--blue)}nav a{margin-right:1rem}
small,.quiet,footer{color:var(--soft);font-size:.875rem}
.quiet{font-weight:normal}summary .quiet{margin-left:.6rem}.pairs{list-style:none;padding-left:.2rem}
.pairs li{margin:.3rem 0}.wide{margin:.5rem 0}
details{border:1px solid var(--line);border-radius:.4rem;margin:.4rem 0;padding:.4rem .7rem;background:var(--box)}
summary{cursor:pointer}summary:focus-visible,.wide:focus-visible{outline:2px solid var(--blue);outline-offset:2px}
.note{border-left:.3rem solid var(--violet);padding-left:.8rem}.note h2{margin-top:1rem}
.badge{display:inline-block;border:1px solid currentColor;border-radius:.3rem;padding:0 .4rem;font-weight:bold;
font-size:.875rem;white-space:nowrap}
.pass{color:var(--green)}.fail,.critical,.high{color:var(--red)}.medium,.excepted{color:var(--amber)}
.unknown{color:var(--violet)}.low,.info{color:var(--soft)}
.wide{overflow-x:auto;border:1px solid var(--line);border-radius:.4rem}
table{border-collapse:collapse;width:100%;font-size:.875rem}
th,td{border-bottom:1px solid var(--line);padding:.3rem .5rem;text-align:left;vertical-align:top;
overflow-wrap:normal}
.matrix{width:auto}.matrix td,.matrix thead th{text-align:center}.matrix tbody th{white-space:nowrap}
.matrix thead th span{writing-mode:vertical-rl;transform:rotate(180deg);white-space:nowrap}
.matrix th[scope=row]{position:sticky;left:0;background:var(--back)}
.matrix .allowed{color:var(--blue);font-weight:bold}.matrix .partial{color:var(--amber)}
.matrix .blocked{color:var(--soft)}#matrix .wide{width:fit-content;max-width:100%}
.spoken{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
pre{overflow-x:auto;background:var(--back);border:1px solid var(--line);border-radius:.3rem;padding:.6rem;
font-size:.8125rem;line-height:1.4}
@media print{:root{--ink:#000;--back:#fff;--soft:#444;--line:#999;--box:#fff}body{max-width:none;font-size:10pt}
nav{display:none}details{break-inside:avoid}details::details-content{content-visibility:visible}
.wide,pre{overflow:visible}pre{white-space:pre-wrap}}
"""
