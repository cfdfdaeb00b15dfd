/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /: one page without anything from elsewhere, to look around. Its content security policy allows exactly the
 * script and the style that are below (by hash) and requests to the API itself; all text is set as text, never as
 * markup.
 *
 * The page holds no data, so it needs no token; what it asks for may. The token that somebody pastes stays in the memory of
 * this tab (session storage): it is no cookie, which a browser would send for pages of others too.
 */
#include "call.h"

static const char style[] =
	"body{font:15px/1.45 system-ui,sans-serif;margin:0;color:#1c2430;background:#f6f7f9}"
	"header{background:#1c2430;color:#fff;padding:10px "
	"20px;display:flex;gap:20px;align-items:baseline;flex-wrap:wrap}"
	"header h1{font-size:18px;margin:0}header span{opacity:.75}"
	"main{display:grid;grid-template-columns:minmax(280px,1fr) 2fr;gap:20px;padding:20px}"
	"@media(max-width:800px){main{grid-template-columns:1fr}}"
	"nav{display:flex;gap:6px;margin-bottom:10px}"
	"button{font:inherit;border:1px solid #c5ccd6;background:#fff;border-radius:6px;padding:4px "
	"12px;cursor:pointer}"
	"button[aria-pressed=true]{background:#2457a6;border-color:#2457a6;color:#fff}"
	"#access{display:flex;gap:6px;opacity:1;margin-left:auto}#access[hidden]{display:none}"
	"input{font:inherit;width:100%;box-sizing:border-box;padding:6px 10px;border:1px solid "
	"#c5ccd6;border-radius:6px}"
	"ul{list-style:none;padding:0;margin:10px 0;max-height:75vh;overflow:auto}"
	"li a{display:flex;justify-content:space-between;gap:10px;padding:5px "
	"10px;border-radius:6px;color:inherit;text-decoration:none}"
	"li a:hover,li a:focus{background:#e4e9f1}li small{opacity:.7;white-space:nowrap}"
	"section,aside{background:#fff;border:1px solid #dfe3e9;border-radius:8px;padding:14px;min-width:0}"
	"table{border-collapse:collapse;width:100%}th{text-align:left;vertical-align:top;padding:4px 14px 4px "
	"0;font-weight:600;"
	"white-space:nowrap}td{padding:4px 0;width:100%}pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;"
	"font:13px/1.4 ui-monospace,monospace}";

static const char script[] =
	"'use strict';"
	"const byId=id=>document.getElementById(id);"
	"let kind='probers',items=[],loading=0;"
	"const make=(name,text)=>{const e=document.createElement(name);if(text!==undefined)e.textContent=text;return "
	"e};"
	"let secret=sessionStorage.getItem('mrprober-token')||'';"
	"const ask=async path=>{const r=await fetch(path,{cache:'no-cache',headers:secret?{Authorization:'Bearer '+secret}:{}});"
	"byId('access').hidden=r.status!==401&&r.status!==429&&!secret;byId('forget').hidden=!secret;"
	"if(!r.ok){let why='';try{why=(await r.json()).detail}catch{}throw new Error(path+': '+r.status+' '+why)}return r};"
	"const get=async path=>(await ask(path)).json();"
	"function use(text){secret=text.trim();if(secret)sessionStorage.setItem('mrprober-token',secret);"
	"else sessionStorage.removeItem('mrprober-token');location.reload()}"
	"byId('token').onchange=e=>use(e.target.value);byId('forget').onclick=()=>use('');"
	"for(const a of document.querySelectorAll('a[data-raw]'))a.onclick=async e=>{e.preventDefault();"
	"try{byId('object').replaceChildren(make('pre',await(await ask(a.getAttribute('href'))).text()))}"
	"catch(e){say(e.message)}};"
	"const hide=sign=>kind==='clusters'?sign+'show_sensitive=false':'';"
	"const say=text=>{byId('status').textContent=text};"
	"function show(object){const box=byId('object');box.replaceChildren(make('h2',object.name||object.slug));"
	"const table=make('table');for(const[key,value]of Object.entries(object)){const row=table.insertRow();"
	"row.append(make('th',key));const cell=row.insertCell();"
	"cell.append(make('pre',typeof value==='string'?value:JSON.stringify(value,null,2)))}box.append(table)}"
	"async function open_(slug){try{show(await "
	"get('/v1/'+kind+'/'+encodeURIComponent(slug)+hide('?')))}catch(e){say(e.message)}}"
	"function list(){const words=byId('search').value.toLowerCase().split(/\\s+/).filter(Boolean),ul=byId('list');"
	"const found=items.filter(o=>{const text=(o.slug+' '+o.name+' '+o.description+' "
	"'+Object.entries(o.labels||{}).map("
	"l=>l.join(':')).join(' ')).toLowerCase();return words.every(w=>text.includes(w))});"
	"ul.replaceChildren(...found.slice(0,2000).map(o=>{const li=make('li'),a=make('a');a.href='#'+kind+'/'+o.slug;"
	"a.append(make('span',o.slug),make('small',o.state?o.state.status:o.managed?'':'by hand'));li.append(a);return "
	"li}));"
	"say(found.length+' of '+items.length+' '+kind)}"
	"async function load(name){kind=name;items=[];const mine=++loading;"
	"for(const b of document.querySelectorAll('nav button'))b.setAttribute('aria-pressed',b.dataset.kind===kind);"
	"say('loading');try{let token='';do{const page=await get('/v1/'+kind+'?page_size=1000'+hide('&')+(token?'&page_token='+"
	"encodeURIComponent(token):''));if(mine!==loading)return;items.push(...page.items);token=page.next_page_token;"
	"list()}"
	"while(token)}catch(e){say(e.message)}}"
	"async function route(){const[name,slug]=location.hash.slice(1).split('/');"
	"if(['recipes','clusters','probers'].includes(name)&&(name!==kind||!items.length))await load(name);"
	"else if(!items.length)await load(kind);if(slug)open_(slug)}"
	"for(const b of document.querySelectorAll('nav button'))b.onclick=()=>{location.hash=b.dataset.kind};"
	"byId('search').oninput=list;addEventListener('hashchange',route);route();"
	"get('/v1/state').then(s=>{byId('environment').textContent=s.environment||'no environment "
	"yet'}).catch(e=>say(e.message));";

static const char page[] =
	"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	"<meta name=\"viewport\" "
	"content=\"width=device-width,initial-scale=1\"><title>mrprober</title><style>%s</style></head>\n"
	"<body><header><h1>mrprober</h1><span id=\"environment\"></span><span>version " MRP_VERSION "</span>"
	"<span id=\"access\" hidden><input id=\"token\" type=\"password\" autocomplete=\"off\" placeholder=\"token\" "
	"aria-label=\"token\"> <button id=\"forget\" hidden>forget</button></span></header>\n"
	"<main><aside><nav><button data-kind=\"recipes\">recipes</button><button "
	"data-kind=\"clusters\">clusters</button>"
	"<button data-kind=\"probers\">probers</button></nav>\n"
	"<input id=\"search\" type=\"search\" placeholder=\"slug, name or label\" aria-label=\"search\">"
	"<p id=\"status\" role=\"status\"></p><ul id=\"list\"></ul></aside>\n"
	"<section id=\"object\"><p>Choose an object on the left. The API describes itself at <a data-raw href=\"/openapi.json\">"
	"/openapi.json</a>; its metrics are at <a data-raw href=\"/metrics\">/metrics</a>.</p></section></main>\n"
	"<noscript><p>This page needs JavaScript; the same data is at /v1/recipes, /v1/clusters and "
	"/v1/probers.</p></noscript>\n"
	"<script>%s</script></body></html>\n";

/* 'sha256-...' as a content security policy has it */
static const char *source_hash(struct arena *arena, const char *text)
{
	char base64[SHA256_BASE64 + 1];

	sha256_base64_of(base64, text, strlen(text));
	return arena_printf(arena, "'sha256-%s'", base64);
}

int service_page(struct api_call *call, struct mrp_err *err)
{
	struct arena *arena = &call->arena;

	(void)err;
	strbuf_addf(&call->response.body, page, style, script);
	call->response.status = 200;
	call->response.content_type = "text/html; charset=utf-8";
	call->response.cache_control = "no-cache";
	call->response.csp = arena_printf(arena,
		"default-src 'none'; script-src %s; style-src %s; connect-src 'self'; base-uri 'none'; form-action "
		"'none'; "
		"frame-ancestors 'none'",
		source_hash(arena, script), source_hash(arena, style));
	return 0;
}
