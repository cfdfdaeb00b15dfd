/* SPDX-License-Identifier: Apache-2.0 */
#include "agent.h"

#include "../base/text.h"

bool agent_host_valid(const char *host)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";
	size_t len = strlen(host);

	return len && len <= AGENT_HOST_MAX && strspn(host, allowed) == len;
}

int agent_check_names(const char *cluster, const char *host, struct mrp_err *err)
{
	if (!slug_valid(cluster, strlen(cluster)))
		return mrp_err_set(
			err, MRP_EINVALID, "cluster '%s' is not a slug (a-z, 0-9 and '-', at most 63)", cluster);
	if (!agent_host_valid(host))
		return mrp_err_set(err, MRP_EINVALID,
			"host '%s' is not a host name (letters, digits, '.', '_', ':', '-', at most %d)", host,
			(int)AGENT_HOST_MAX);
	return 0;
}

void agent_config_begin(struct strbuf *out, const struct resolve_target *target, const char *revision)
{
	const char *environment = target->environment;

	strbuf_addf(out,
		"{\"cluster\":\"%s\",\"host\":\"%s\",\"environment\":%s%s%s,\"config_revision\":\"%s\",\"probers\":[",
		target->cluster, target->host, environment ? "\"" : "", environment ? environment : "null",
		environment ? "\"" : "", revision);
}

void agent_config_end(struct strbuf *out)
{
	strbuf_addstr(out, "]}\n");
}
