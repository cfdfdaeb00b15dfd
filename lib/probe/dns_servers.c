/* SPDX-License-Identifier: Apache-2.0 */
#include "dns_servers.h"

#include "../base/file.h"
#include "../base/parse.h"

enum { DNS_PORT = 53, RESOLV_CONF_MAX = 65536 };

bool dns_server_parse(union address *out, const char *text)
{
	const char *colon = strrchr(text, ':');
	struct mrp_err ignored = MRP_ERR_INIT;
	int64_t port;

	if (address_parse(out, text)) {
		address_set_port(out, DNS_PORT);
		return true;
	}
	if (!colon || colon == text || (strchr(text, ':') != colon && colon[-1] != ']'))
		return false;
	cleanup(freep) char *host = xstrndup(text, (size_t)(colon - text));
	if (parse_int(&port, colon + 1, 1, 65535, &ignored) < 0) {
		mrp_err_clear(&ignored);
		return false;
	}
	if (!address_parse(out, host))
		return false;
	address_set_port(out, (int)port);
	return true;
}

/* A line "nameserver ADDRESS". */
static bool read_line(union address *out, const char *line)
{
	const char *rest;

	if (!skip_prefix(line, "nameserver", &rest) || (*rest != ' ' && *rest != '\t'))
		return false;
	rest += strspn(rest, " \t");
	cleanup(freep) char *server = xstrndup(rest, strcspn(rest, " \t\r;#"));
	if (!address_parse(out, server))
		return false;
	address_set_port(out, DNS_PORT);
	return true;
}

size_t dns_servers_of_host(union address out[DNS_SERVERS_MAX])
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct mrp_err ignored = MRP_ERR_INIT;
	size_t n = 0;

	if (read_file(&text, "/etc/resolv.conf", RESOLV_CONF_MAX, &ignored) < 0)
		mrp_err_clear(&ignored);
	for (char *line = text.buf, *next; *line && n < DNS_SERVERS_MAX; line = next) {
		size_t len = strcspn(line, "\n");

		next = line + len + (line[len] == '\n');
		line[len] = '\0';
		n += read_line(&out[n], line);
	}
	return n ? n : dns_server_parse(&out[0], "127.0.0.1");
}
