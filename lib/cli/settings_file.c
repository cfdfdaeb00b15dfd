/* SPDX-License-Identifier: Apache-2.0 */
/* The layers of settings that come from files: a manifest's environment, and config.yaml. */
#include "settings.h"

static const char *loc_text(struct mrp_ctx *ctx, struct mrp_loc loc)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	mrp_loc_format(&text, loc);
	return text.len ? arena_strdup(&ctx->arena, text.buf) : NULL;
}

/* A string of `object` as an offer; what is no string is the business of whoever checks that file. */
static void offer_member(
	struct mrp_ctx *ctx, const struct value *object, const char *key, enum mrp_setting_id id, enum mrp_origin origin)
{
	const struct value *v = object ? value_get(object, key) : NULL;

	if (v && v->type == V_STRING && v->n)
		setting_offer(ctx, id, arena_strdup(&ctx->arena, v->s), origin, loc_text(ctx, value_loc(v)));
}

int settings_add_manifest(struct mrp_ctx *ctx, const struct value *manifest, struct mrp_err *err)
{
	const struct value *environments = manifest->type == V_OBJECT ? value_get(manifest, "environments") : NULL;

	if (!environments || environments->type != V_OBJECT)
		return 0;
	if (environments->n == 1) {
		const struct member *only = &environments->members[0];

		setting_offer(ctx, SETTING_ENVIRONMENT, arena_strdup(&ctx->arena, only->key), ORIGIN_MANIFEST,
			loc_text(ctx, member_loc(environments, only)));
	}
	const char *name = ctx_environment(ctx);
	const struct value *environment = name ? value_get(environments, name) : NULL;
	if (environment && environment->type == V_OBJECT)
		offer_member(ctx, environment, "api", SETTING_API_URL, ORIGIN_MANIFEST);
	return settings_apply(ctx, err);
}
