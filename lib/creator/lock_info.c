/* SPDX-License-Identifier: Apache-2.0 */
#include "lock_info.h"

#include <stddef.h>

#include "../base/clock.h"

/* The rest of the line after "NAME:", without blanks around. */
static void read_line(char *out, size_t size, const char *text, const char *name)
{
	const char *at = strstr(text, name);
	size_t len;

	*out = '\0';
	if (!at)
		return;
	at += strlen(name);
	at += strspn(at, " \t");
	len = strcspn(at, "\r\n");
	while (len && (at[len - 1] == ' ' || at[len - 1] == '\t'))
		len--;
	snprintf(out, size, "%.*s", (int)len, at);
}

/* "2026-11-28 06:18:43.123456789 +0000 UTC", as Go prints a time; RFC 3339 with less in it. */
static int64_t read_time(const char *text)
{
	char rfc[32];

	if (strlen(text) < 19)
		return -1;
	snprintf(rfc, sizeof(rfc), "%.10sT%.8sZ", text, text + 11);
	return strstr(text, "+0000") ? time_parse(rfc) : -1;
}

/* The http backend names the lock that is there, and then shows the one that it has not got
 * (internal/backend/remote-state/http/client.go). */
static void read_http_id(struct lock_info *info, const char *text, const char *end)
{
	const char *at = strstr(text, "HTTP remote state"), *id = at ? strstr(at, "ID=") : NULL;

	if (id && id < end) /* it may stand on a line of its own */
		read_line(info->id, sizeof(info->id), id, "ID=");
}

bool lock_info_find(struct lock_info *info, const char *text)
{
	const char *begin = strstr(text, "Lock Info:");

	*info = (struct lock_info){ .created_ms = -1 };
	if (!begin)
		return false;
	read_http_id(info, text, begin);
	if (*info->id)
		return true;
	read_line(info->id, sizeof(info->id), begin, " ID:");
	read_line(info->operation, sizeof(info->operation), begin, " Operation:");
	read_line(info->who, sizeof(info->who), begin, " Who:");
	read_line(info->created, sizeof(info->created), begin, " Created:");
	info->created_ms = read_time(info->created);
	return true;
}

bool lock_info_may_be_apply(const struct lock_info *info)
{
	return !*info->operation || streq(info->operation, "OperationTypeApply");
}

void lock_info_format(struct strbuf *out, const struct lock_info *info, int64_t now_ms)
{
	strbuf_addstr(out, "locked by ");
	strbuf_add_visible(out, *info->who ? info->who : "?", *info->who ? strlen(info->who) : 1);
	if (info->created_ms >= 0) {
		strbuf_addstr(out, ", ");
		time_format_age(out, now_ms - info->created_ms);
		strbuf_addstr(out, " ago");
	}
	if (*info->id) {
		strbuf_addstr(out, " (lock ");
		strbuf_add_visible(out, info->id, strlen(info->id));
		strbuf_addstr(out, ")");
	}
}
