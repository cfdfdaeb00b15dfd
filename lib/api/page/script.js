'use strict';

const kinds = ['recipes', 'clusters', 'probers', 'agents'];
const good = ['success', 'deployed', 'applied', 'no-changes', 'destroyed', 'planned'];
const bad = ['failed', 'failure', 'error', 'refused', 'interrupted'];
const busy = ['pending', 'deploying', 'waiting', 'destroying', 'running'];

const byId = id => document.getElementById(id);
let kind, items = [], here = [], loading = 0;

/* --- making elements; text is set as text, never as markup --- */

function make(name, content, attributes) {
	const element = document.createElement(name);

	if (content instanceof Node)
		element.append(content);
	else if (content !== undefined && content !== null)
		element.textContent = content;
	return Object.assign(element, attributes);
}

const link = (text, ...path) => make('a', text, {href: '#' + path.map(encodeURIComponent).join('/')});
const verdict = text => make('span', text, {
	className: good.includes(text) ? 'good' : bad.includes(text) ? 'bad' : busy.includes(text) ? 'busy' : '',
});
const say = text => byId('status').textContent = text;
const show = (...elements) => byId('object').replaceChildren(...elements);

function table(heads, rows) {
	const all = make('table', undefined, {className: 'rows'}), head = all.createTHead().insertRow(), body = all.createTBody();

	head.append(...heads.map(text => make('th', text)));
	for (const cells of rows) {
		const row = body.insertRow();
		for (const cell of cells)
			row.append(make('td', cell));
	}
	return all;
}

function fields(object) {
	const all = make('table', undefined, {className: 'fields'});

	for (const [key, value] of Object.entries(object)) {
		const row = all.insertRow(), text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
		row.append(make('th', key));
		if (key === 'recipe' || key === 'cluster')
			row.insertCell().append(link(text, key + 's', text));
		else
			row.insertCell().append(make('pre', text));
	}
	return all;
}

const time = text => text ? text.replace('T', ' ').replace(/\.\d+Z$/, 'Z') : '';

/* --- asking the API; the token stays in the memory of this tab --- */

let secret = sessionStorage.getItem('mrprober-token') || '';

async function ask(path) {
	const answer = await fetch(path, {
		cache: 'no-cache',
		headers: secret ? {Authorization: 'Bearer ' + secret} : {},
	});

	byId('access').hidden = answer.status !== 401 && answer.status !== 429 && !secret;
	byId('forget').hidden = !secret;
	if (!answer.ok) {
		let why = '';
		try {
			why = (await answer.json()).detail;
		} catch {}
		throw new Error(path + ': ' + answer.status + ' ' + why);
	}
	return answer;
}

const get = async (...path) => (await ask('/v1/' + path.map(encodeURIComponent).join('/'))).json();

function use(text) {
	secret = text.trim();
	if (secret)
		sessionStorage.setItem('mrprober-token', secret);
	else
		sessionStorage.removeItem('mrprober-token');
	location.reload();
}

/* Everybody sees the same here: values of sensitive variables are not for a screen. */
const hidden = kind => kind === 'clusters' ? 'show_sensitive=false' : '';

/* --- one object --- */

function deployments(list) {
	return table(['deployment', 'status', 'stage', 'added', 'changed', 'destroyed', 'started', 'creator'], list.map(d => [
		link(d.id, 'deployments', d.id), verdict(d.status), d.stage, d.added, d.changed, d.destroyed,
		time(d.started_at), d.creator,
	]));
}

function agents(list) {
	return table(['agent', 'success', 'failure', 'error', 'failing', 'last seen'], list.map(a => [
		link(a.host, 'agents', a.cluster, a.host), a.counts.success, a.counts.failure, a.counts.error,
		make('span', a.failing.join(', '), {className: a.failing.length ? 'bad' : ''}), time(a.last_seen),
	]));
}

async function cluster(slug) {
	const object = await (await ask('/v1/clusters/' + encodeURIComponent(slug) + '?' + hidden('clusters'))).json();
	const parts = [make('h2', object.name || slug), make('p', verdict(object.state.status)), fields(object)];

	show(...parts);
	const runs = await (await ask('/v1/clusters/' + encodeURIComponent(slug) + '/deployments?page_size=20')).json();
	const seen = await (await ask('/v1/agents?page_size=1000&cluster=' + encodeURIComponent(slug))).json();
	if (here[1] !== slug) /* somebody was faster */
		return;
	if (object.state.message)
		parts.splice(2, 0, make('pre', object.state.message, {className: 'log'}));
	if (runs.items.length)
		parts.splice(-1, 0, make('h3', 'Last deployments'), deployments(runs.items));
	if (seen.items.length)
		parts.splice(-1, 0, make('h3', 'Agents'), agents(seen.items));
	parts.splice(-1, 0, make('h3', 'Cluster'));
	show(...parts);
}

async function deployment(id, stage) {
	const object = await get('deployments', id);
	const logs = Object.keys(object.logs || {});
	const parts = [make('h2', 'Deployment ' + object.id), make('p', verdict(object.status)), fields(object)];

	if (logs.length) {
		const links = make('nav');
		links.append(...logs.map(name => link('log of ' + name, 'deployments', id, name)));
		parts.splice(2, 0, links);
	}
	if (stage)
		parts.splice(3, 0, make('pre', await (await ask(`/v1/deployments/${encodeURIComponent(id)}/logs/` +
			encodeURIComponent(stage))).text(), {className: 'log'}));
	show(...parts);
}

async function agent(slug, host) {
	const {probers, ...object} = await get('agents', slug, host);
	const rows = Object.entries(probers || {}).sort((a, b) => (a[1].status === 'success') - (b[1].status === 'success'));

	show(make('h2', `${slug}/${host}`), fields(object), make('h3', 'Probers'),
		table(['prober', 'last verdict', 'reason', 'failures in a row', 'message'], rows.map(([name, p]) => [
			link(name, 'probers', name.replace(/\[.*/, '')), verdict(p.status), p.reason, p.consecutive_failures,
			make('pre', p.message),
		])));
}

async function open_(name, ...path) {
	try {
		if (name === 'deployments')
			await deployment(...path);
		else if (name === 'agents')
			await agent(...path);
		else if (name === 'clusters')
			await cluster(...path);
		else {
			const object = await get(name, ...path);
			show(make('h2', object.name || object.slug), fields(object));
		}
	} catch (e) {
		show(make('p', e.message, {className: 'bad'}));
	}
}

/* --- the list --- */

const nameOf = o => o.slug || o.cluster + '/' + o.host;

function stateOf(o) {
	if (o.counts)
		return o.failing.length ? make('span', o.failing.length + ' failing', {className: 'bad'}) : verdict('success');
	return o.state ? verdict(o.state.status) : make('span', o.managed ? '' : 'by hand');
}

const textOf = o => [nameOf(o), o.name, o.description, o.state?.status, ...o.failing || [],
	...Object.entries(o.labels || {}).map(label => label.join(':'))].join(' ').toLowerCase();

function list() {
	const words = byId('search').value.toLowerCase().split(/\s+/).filter(Boolean);
	const found = items.filter(o => words.every(word => textOf(o).includes(word)));

	byId('list').replaceChildren(...found.slice(0, 2000).map(o => {
		const item = make('li'), a = link('', kind, ...nameOf(o).split('/'));
		a.append(make('span', nameOf(o)), make('small', stateOf(o)));
		item.append(a);
		return item;
	}));
	say(`${found.length} of ${items.length} ${kind}`);
	mark();
}

function mark() {
	for (const a of document.querySelectorAll('nav a[href]'))
		a.toggleAttribute('aria-current', false);
	document.querySelector(`aside nav a[href="#${kind}"]`)?.setAttribute('aria-current', 'page');
	for (const a of document.querySelectorAll('#list a'))
		a.setAttribute('aria-current', a.getAttribute('href') === location.hash);
}

async function load(name) {
	const mine = ++loading;

	kind = name;
	items = [];
	byId('list').replaceChildren();
	say('loading');
	try {
		let token = '';
		do {
			const query = ['page_size=1000', hidden(name), token && 'page_token=' + encodeURIComponent(token)];
			const page = await (await ask(`/v1/${name}?${query.filter(Boolean).join('&')}`)).json();
			if (mine !== loading)
				return;
			items.push(...page.items);
			token = page.next_page_token;
			list();
		} while (token);
	} catch (e) {
		say(e.message);
	}
}

async function route() {
	here = location.hash.slice(1).split('/').map(decodeURIComponent);
	const wanted = kinds.includes(here[0]) ? here[0] : here[0] === 'deployments' ? 'clusters' : 'probers';

	if (here.length > 1)
		open_(...here);
	if (wanted !== kind)
		await load(wanted);
	mark();
}

byId('token').onchange = e => use(e.target.value);
byId('forget').onclick = () => use('');
byId('search').oninput = list;
for (const a of document.querySelectorAll('a[data-raw]'))
	a.onclick = async e => {
		e.preventDefault();
		try {
			show(make('pre', await (await ask(a.getAttribute('href'))).text()));
		} catch (e) {
			say(e.message);
		}
	};
addEventListener('hashchange', route);
route();
get('state').then(state => byId('environment').textContent = state.environment || 'no environment yet', e => say(e.message));
