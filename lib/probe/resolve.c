/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as text and back, and asking for those of a name. */
#include "resolve.h"

#include <arpa/inet.h>
#include <net/if.h>

#include "../base/module.h"

socklen_t address_len(const union address *address)
{
	return address->sa.sa_family == AF_INET6 ? sizeof(address->in6) : sizeof(address->in);
}

static int port_of(const union address *address)
{
	return ntohs(address->sa.sa_family == AF_INET6 ? address->in6.sin6_port : address->in.sin_port);
}

void address_set_port(union address *address, int port)
{
	if (address->sa.sa_family == AF_INET6)
		address->in6.sin6_port = htons((uint16_t)port);
	else
		address->in.sin_port = htons((uint16_t)port);
}

const char *address_format(char out[ADDRESS_TEXT], const union address *address)
{
	if (address->sa.sa_family != AF_INET6) {
		inet_ntop(AF_INET, &address->in.sin_addr, out, ADDRESS_TEXT);
		return out;
	}
	inet_ntop(AF_INET6, &address->in6.sin6_addr, out, ADDRESS_TEXT);
	if (address->in6.sin6_scope_id) {
		size_t len = strlen(out);

		snprintf(out + len, ADDRESS_TEXT - len, "%%%u", address->in6.sin6_scope_id);
	}
	return out;
}

const char *address_format_port(char out[ADDRESS_TEXT], const union address *address)
{
	char host[ADDRESS_TEXT];
	bool v6 = address->sa.sa_family == AF_INET6;

	address_format(host, address);
	snprintf(out, ADDRESS_TEXT, "%s%.*s%s:%d", v6 ? "[" : "", ADDRESS_TEXT - 10, host, v6 ? "]" : "",
		port_of(address));
	return out;
}

static bool parse_v6(union address *out, char *text)
{
	char *zone = strchr(text, '%');
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (zone) {
		*zone++ = '\0';
		in6.sin6_scope_id = if_nametoindex(zone);
		if (!in6.sin6_scope_id)
			in6.sin6_scope_id = (uint32_t)strtoul(zone, NULL, 10);
		if (!in6.sin6_scope_id)
			return false;
	}
	if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
		return false;
	out->in6 = in6;
	return true;
}

bool address_parse(union address *out, const char *text)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	char copy[ADDRESS_TEXT];
	size_t len = strlen(text);

	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	} else if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
		out->in = in;
		return true;
	}
	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return parse_v6(out, copy);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

struct resolver {
	struct loop *loop;
	const struct resolver_ops *ops; /* NULL: no name was asked for yet */
	void *ares;
};

struct resolver *resolver_new(struct loop *loop)
{
	struct resolver *resolver = xcalloc(1, sizeof(*resolver));

	resolver->loop = loop;
	return resolver;
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	if (resolver->ares)
		resolver->ops->close(resolver->ares);
	free(resolver);
}

static bool fits(const union address *address, int ip_version)
{
	return !ip_version || address->sa.sa_family == (ip_version == 6 ? AF_INET6 : AF_INET);
}

static bool finish_at_once(struct resolve *resolve, enum resolve_end end, const char *error)
{
	resolve->end = end;
	snprintf(resolve->error, sizeof(resolve->error), "%s", error);
	return true;
}

static bool open_ares(struct resolver *resolver, struct mrp_err *err)
{
	if (resolver->ares)
		return true;
	if (!resolver->ops)
		resolver->ops = module_table("ares", "mrp_ares", err);
	if (resolver->ops)
		resolver->ares = resolver->ops->open(resolver->loop, err);
	return resolver->ares;
}

bool resolve_start(struct resolver *resolver, struct resolve *resolve)
{
	struct mrp_err err = MRP_ERR_INIT;
	union address literal;

	resolve->n = 0;
	resolve->query = NULL;
	resolve->resolver = resolver;
	resolve->took_us = 0;
	if (address_parse(&literal, resolve->host)) {
		if (!fits(&literal, resolve->ip_version)) {
			snprintf(resolve->error, sizeof(resolve->error), "'%.64s' is no address of IPv%d",
				resolve->host, resolve->ip_version);
			resolve->end = RESOLVE_ERROR;
			return true;
		}
		resolve->addresses[0] = literal;
		resolve->n = 1;
		return finish_at_once(resolve, RESOLVED, "");
	}
	if (!open_ares(resolver, &err)) {
		finish_at_once(resolve, RESOLVE_ERROR, err.msg);
		mrp_err_clear(&err);
		return true;
	}
	resolve->started_us = monotonic_us();
	resolve->query = xcalloc(1, sizeof(*resolve->query));
	resolve->query->resolve = resolve;
	resolver->ops->start(resolver->ares, resolve);
	return false;
}

void resolve_cancel(struct resolve *resolve)
{
	if (resolve->query)
		resolve->query->resolve = NULL;
	resolve->query = NULL;
}

/* Families in turn, IPv6 first. */
static void take_turns(struct resolve *resolve)
{
	union address sorted[ADDRESSES_MAX];
	size_t next[2] = { 0, 0 }, n = 0;
	const sa_family_t families[] = { AF_INET6, AF_INET };

	for (size_t turn = 0; n < resolve->n; turn ^= 1) {
		size_t *i = &next[turn];

		while (*i < resolve->n && resolve->addresses[*i].sa.sa_family != families[turn])
			(*i)++;
		if (*i < resolve->n)
			sorted[n++] = resolve->addresses[(*i)++];
	}
	memcpy(resolve->addresses, sorted, n * sizeof(*sorted));
}

void resolve_finish(struct resolve_query *query)
{
	struct resolve *resolve = query->resolve;

	free(query);
	if (!resolve)
		return;
	resolve->query = NULL;
	resolve->took_us = monotonic_us() - resolve->started_us;
	if (resolve->n > 1)
		take_turns(resolve);
	resolve->done(resolve);
}
