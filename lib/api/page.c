/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /: one page without anything from elsewhere, to look around; its parts are the files in page/. Its content security
 * policy allows exactly that script and that style (by hash) and requests to the API itself; all text is set as text,
 * never as markup.
 *
 * The page holds no data, so it needs no token; what it asks for may. The token that somebody pastes stays in the memory of
 * this tab (session storage): it is no cookie, which a browser would send for pages of others too.
 */
#include "call.h"

#include "page_files.h"

static const struct {
	const char *name, *text;
} places[] = {
	{ "{{style}}", page_style },
	{ "{{script}}", page_script },
	{ "{{version}}", MRP_VERSION },
};

/* The page with what belongs in its places. */
static void fill(struct strbuf *out)
{
	const char *rest = page_index, *place;

	while ((place = strstr(rest, "{{"))) {
		size_t i = 0;

		while (i < ARRAY_SIZE(places) && !skip_prefix(place, places[i].name, NULL))
			i++;
		if (i == ARRAY_SIZE(places))
			BUG("a place of the page that nothing belongs in");
		strbuf_add(out, rest, (size_t)(place - rest));
		strbuf_addstr(out, places[i].text);
		rest = place + strlen(places[i].name);
	}
	strbuf_addstr(out, rest);
}

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
	fill(&call->response.body);
	call->response.status = 200;
	call->response.content_type = "text/html; charset=utf-8";
	call->response.cache_control = "no-cache";
	call->response.csp = arena_printf(arena,
		"default-src 'none'; script-src %s; style-src %s; connect-src 'self'; base-uri 'none'; form-action "
		"'none'; frame-ancestors 'none'",
		source_hash(arena, page_script), source_hash(arena, page_style));
	return 0;
}
