/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terraform's own list of providers, which is a drawing of a tree:
 *
 *	Providers required by configuration:
 *	.
 *	├── provider[registry.terraform.io/hashicorp/aws] 5.100.0
 *	└── module.net
 *	    └── provider[terraform.io/builtin/terraform]
 *
 *	Providers required by state:
 *
 *	    provider[registry.terraform.io/hashicorp/aws]
 */
#include "gate.h"

enum { COLUMNS_PER_LEVEL = 4 };

enum section { ELSEWHERE, IN_CONFIGURATION, BEFORE_STATE, IN_STATE };

struct comparison {
	const struct scan *scan;
	const struct providers *providers;
	struct strvec ours, theirs; /* "MODULE SOURCE"; "MODULE" for a module without regard to what it needs */
	struct strvec passed;       /* ours that theirs may lack */
	enum section section;
	struct strvec path; /* keys of the modules above the line that is being read */
};

static void add(struct strvec *to, const char *module, const char *source)
{
	cleanup(freep) char *line = xasprintf("%s %s", module, source);

	if (!strvec_contains(to, line))
		strvec_push(to, line);
}

static void add_ours(struct comparison *c)
{
	const struct scan *scan = c->scan;
	cleanup(strvec_clear) struct strvec pinned = STRVEC_INIT;

	for (size_t i = 0; i < scan->modules.n; i++)
		add(&c->ours, scan->modules.v[i].key, "");
	for (size_t i = 0; i < scan->providers.n; i++) {
		const struct provider_use *use = &scan->providers.v[i];

		if (!use->locked)
			add(use->passed ? &c->passed : &c->ours, scan->modules.v[use->module].key,
				gate_use_source(use, c->providers));
	}
	/* the root pins what any module needs */
	gate_sources(&pinned, scan, c->providers);
	for (size_t i = 0; i < pinned.n; i++)
		add(&c->ours, "", pinned.v[i]);
}

/* Columns before what a line says; drawing characters and hard spaces have several bytes and one column. */
static const char *skip_drawing(const char *line, size_t *columns)
{
	for (*columns = 0; *line; (*columns)++) {
		if (*line == ' ')
			line++;
		else if ((unsigned char)*line >= 0x80)
			for (line++; ((unsigned char)*line & 0xc0) == 0x80;)
				line++;
		else
			break;
	}
	return line;
}

static int bad_line(const char *line, struct mrp_err *err)
{
	return mrp_err_set(err, MRP_EREFUSED, "terraform's list of providers has a line that is not known: '%s'", line);
}

/* provider[SOURCE], perhaps with a version after it */
static int read_source(struct strbuf *source, const char *text, struct mrp_err *err)
{
	const char *rest, *end;

	if (!skip_prefix(text, "provider[", &rest) || !(end = strchr(rest, ']')))
		return bad_line(text, err);
	strbuf_reset(source);
	strbuf_add(source, rest, (size_t)(end - rest));
	return 0;
}

static int read_tree_line(struct comparison *c, const char *line, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf source = STRBUF_INIT;
	const char *text, *name;
	size_t columns, level;

	if (streq(line, ".")) {
		strvec_push(&c->path, "");
		add(&c->theirs, "", "");
		return 0;
	}
	text = skip_drawing(line, &columns);
	level = columns / COLUMNS_PER_LEVEL;
	if (columns % COLUMNS_PER_LEVEL || !level || level > c->path.n)
		return bad_line(line, err);
	while (c->path.n > level)
		free(c->path.v[--c->path.n]);
	const char *parent = c->path.v[level - 1];
	if (skip_prefix(text, "module.", &name)) {
		strvec_pushf(&c->path, "%s%s%s", parent, *parent ? "." : "", name);
		add(&c->theirs, c->path.v[level], "");
		return 0;
	}
	if (read_source(&source, text, err) < 0)
		return -1;
	add(&c->theirs, parent, source.buf);
	return 0;
}

static int read_state_line(struct comparison *c, const char *line, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf source = STRBUF_INIT;

	if (read_source(&source, line + strspn(line, " \t"), err) < 0)
		return -1;
	if (!streq(source.buf, TERRAFORM_BUILTIN) && !providers_by_source(c->providers, source.buf))
		return mrp_err_set(
			err, MRP_EREFUSED, "the state needs provider '%s', which is not allowed", source.buf);
	return 0;
}

/* An empty line ends a list, but for the one before that of the state; warnings may stand before and after both. */
static int read_line(struct comparison *c, const char *line, struct mrp_err *err)
{
	if (streq(line, "Providers required by configuration:"))
		c->section = IN_CONFIGURATION;
	else if (streq(line, "Providers required by state:"))
		c->section = BEFORE_STATE;
	else if (!*line && c->section != BEFORE_STATE)
		c->section = ELSEWHERE;
	else if (!*line)
		c->section = IN_STATE;
	else if (c->section == IN_CONFIGURATION)
		return read_tree_line(c, line, err);
	else if (c->section == BEFORE_STATE)
		return bad_line(line, err);
	else if (c->section == IN_STATE)
		return read_state_line(c, line, err);
	return 0;
}

static int differ(const char *line, bool ours, struct mrp_err *err)
{
	const char *space = strchr(line, ' ');
	int module_len = (int)(space - line);

	if (!space[1])
		return mrp_err_set(err, MRP_EREFUSED, "module '%.*s' is known to %s only: the recipe cannot be judged",
			module_len, line, ours ? "mrprober" : "terraform");
	return mrp_err_set(err, MRP_EREFUSED,
		"provider '%s' of %s%.*s%s is seen by %s only: the recipe cannot be judged", space + 1,
		module_len ? "module '" : "the root module", module_len, line, module_len ? "'" : "",
		ours ? "mrprober" : "terraform");
}

static int compare(const struct comparison *c, struct mrp_err *err)
{
	for (size_t i = 0; i < c->theirs.n; i++) {
		if (!strvec_contains(&c->ours, c->theirs.v[i]) && !strvec_contains(&c->passed, c->theirs.v[i]))
			return differ(c->theirs.v[i], false, err);
	}
	for (size_t i = 0; i < c->ours.n; i++) {
		if (!strvec_contains(&c->theirs, c->ours.v[i]))
			return differ(c->ours.v[i], true, err);
	}
	return 0;
}

int gate_compare(
	const struct scan *scan, const struct providers *providers, const char *text, size_t len, struct mrp_err *err)
{
	struct comparison c = { scan, providers, STRVEC_INIT, STRVEC_INIT, STRVEC_INIT, ELSEWHERE, STRVEC_INIT };
	int rc = 0;

	add_ours(&c);
	for (const char *at = text, *end = text + len; rc == 0 && at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		cleanup(freep) char *line = xstrndup(at, (size_t)((newline ? newline : end) - at));

		rc = read_line(&c, line, err);
		at = newline ? newline + 1 : end;
	}
	if (rc == 0 && !c.theirs.n)
		rc = mrp_err_set(err, MRP_EREFUSED, "terraform has listed no providers: the recipe cannot be judged");
	if (rc == 0)
		rc = compare(&c, err);
	strvec_clear(&c.ours);
	strvec_clear(&c.theirs);
	strvec_clear(&c.passed);
	strvec_clear(&c.path);
	return rc;
}
