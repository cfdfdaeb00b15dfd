/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a plan to a file; saved.c reads it. One line a change, so that two of them compare well. */
#include "saved.h"

#include <sys/stat.h>

#include "../base/file.h"
#include "../value/json.h"
#include "blobs.h"
#include "saved_format.h"

static void add_text(struct strbuf *out, const char *name, const char *text)
{
	strbuf_addf(out, "\"%s\": ", name);
	if (text)
		json_add_string(out, text, strlen(text));
	else
		strbuf_addstr(out, "null");
}

static void add_digest(struct strbuf *out, const char *name, const uint8_t *digest)
{
	char hex[SHA256_HEX + 1];

	if (digest)
		sha256_to_hex(hex, digest);
	strbuf_addstr(out, ", ");
	add_text(out, name, digest ? hex : NULL);
}

static void add_changes(struct strbuf *out, const struct plan *plan)
{
	strbuf_addstr(out, ",\n  \"changes\": [");
	for (size_t i = 0; i < plan->changes.n; i++) {
		const struct plan_change *change = &plan->changes.v[i];

		strbuf_addstr(out, i ? ",\n    {" : "\n    {");
		add_text(out, "action", plan_action_names[change->action]);
		strbuf_addstr(out, ", ");
		add_text(out, "kind", kinds[change->kind].name);
		strbuf_addstr(out, ", ");
		add_text(out, "slug", change->slug);
		add_digest(out, "before", change->action == PLAN_CREATE ? NULL : change->before);
		add_digest(out, "after", change->object ? change->object->digest : NULL);
		strbuf_addch(out, '}');
	}
	strbuf_addstr(out, plan->changes.n ? "\n  ]" : "]");
}

/* For whoever has to get the contents to the API in another way; the digests above cover them. */
static void add_blobs(struct strbuf *out, const struct plan *plan)
{
	struct blobs blobs;

	blobs_collect(&blobs, plan);
	strbuf_addstr(out, ",\n  \"blobs\": [");
	for (size_t i = 0; i < blobs.list.n; i++) {
		char hex[SHA256_HEX + 1];

		sha256_to_hex(hex, blobs.list.v[i].sha256);
		strbuf_addf(out, "%s\n    \"%s\"", i ? "," : "", hex);
	}
	strbuf_addstr(out, blobs.list.n ? "\n  ]" : "]");
	blobs_release(&blobs);
}

static void add_options(struct strbuf *out, const struct plan_options *options)
{
	strbuf_addf(out, ",\n  \"options\": {\"prune\": %s, \"force_ownership\": %s, \"only\": [",
		options->prune ? "true" : "false", options->force_ownership ? "true" : "false");
	for (size_t i = 0; options->only && i < options->only->n; i++) {
		strbuf_addstr(out, i ? ", " : "");
		json_add_string(out, options->only->v[i], strlen(options->only->v[i]));
	}
	strbuf_addstr(out, "]}");
}

static void add_heading(struct strbuf *out, const struct plan *plan, const char *api_url)
{
	char configs[SHA256_HEX + 1];
	uint8_t root[SHA256_BYTES];

	config_root_digest(root, plan->config);
	sha256_to_hex(configs, root);
	strbuf_addf(out, "{\n  \"format_version\": %d,\n  ", (int)SAVED_FORMAT_VERSION);
	add_text(out, "environment", config_environment(plan->config));
	strbuf_addstr(out, ",\n  ");
	add_text(out, "api", api_url);
	strbuf_addstr(out, ",\n  ");
	add_text(out, "root_digest", plan->root);
	strbuf_addstr(out, ",\n  \"configs\": {");
	add_text(out, "revision", config_revision(plan->config));
	strbuf_addstr(out, ", ");
	add_text(out, "root_digest", configs);
	strbuf_addch(out, '}');
}

static void format_saved(struct strbuf *out, const struct plan *plan, const char *api_url)
{
	char checksum[SHA256_HEX + 1];

	add_heading(out, plan, api_url);
	add_options(out, &plan->options);
	add_changes(out, plan);
	add_blobs(out, plan);
	strbuf_addstr(out, SAVED_CHECKSUM);
	sha256_hex_of(checksum, out->buf, out->len);
	strbuf_addf(out, "%s%s", checksum, SAVED_END);
}

int plan_save(const struct plan *plan, const char *api_url, const char *path, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct stat st;

	/* replacing by rename would succeed with a device or a socket, and take it away */
	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return mrp_err_set(
			err, MRP_EFAILED, "cannot save the plan: '%s' is there and is not a regular file", path);
	format_saved(&text, plan, api_url);
	if (replace_file(path, text.buf, text.len, 0600, err) < 0)
		return mrp_err_wrap(err, "cannot save the plan");
	return 0;
}
