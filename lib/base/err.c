/* SPDX-License-Identifier: Apache-2.0 */
#include "err.h"

#include <errno.h>

void mrp_err_clear(struct mrp_err *err)
{
	free(err->where);
	free(err->msg);
	*err = (struct mrp_err)MRP_ERR_INIT;
}

static int set(struct mrp_err *err, enum mrp_errcode code, char *where, char *msg)
{
	mrp_err_clear(err);
	*err = (struct mrp_err){ .code = code, .where = where, .msg = msg };
	return -1;
}

int (mrp_err_set)(struct mrp_err *err, enum mrp_errcode code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *msg = xvasprintf(fmt, ap);
	va_end(ap);
	return set(err, code, NULL, msg);
}

static enum mrp_errcode code_of_errno(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		return MRP_ENOSPC;
	case ENOENT:
		return MRP_ENOTFOUND;
	case EACCES:
	case EPERM:
		return MRP_EPERM;
	default:
		return MRP_EOS;
	}
}

int (mrp_err_errno)(struct mrp_err *err, const char *fmt, ...)
{
	int error = errno;
	va_list ap;

	va_start(ap, fmt);
	char *what = xvasprintf(fmt, ap);
	va_end(ap);
	char *msg = xasprintf("%s: %s", what, strerror(error));
	free(what);
	return set(err, code_of_errno(error), NULL, msg);
}

int (mrp_err_at)(struct mrp_err *err, enum mrp_errcode code, struct mrp_loc loc, const char *fmt, ...)
{
	struct strbuf where = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	char *msg = xvasprintf(fmt, ap);
	va_end(ap);
	mrp_loc_format(&where, loc);
	return set(err, code, where.len ? strbuf_detach(&where, NULL) : NULL, msg);
}

int (mrp_err_wrap)(struct mrp_err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *context = xvasprintf(fmt, ap);
	va_end(ap);
	char *msg = xasprintf("%s: %s", context, err->msg ? err->msg : "");
	free(context);
	free(err->msg);
	err->msg = msg;
	return -1;
}

int (mrp_err_move)(struct mrp_err *to, struct mrp_err *from)
{
	mrp_err_clear(to);
	*to = *from;
	*from = (struct mrp_err)MRP_ERR_INIT;
	return -1;
}

void mrp_err_format(struct strbuf *out, const struct mrp_err *err)
{
	if (err->where) {
		strbuf_add_visible(out, err->where, strlen(err->where));
		strbuf_addstr(out, ": ");
	}
	const char *msg = err->msg ? err->msg : "unknown error";
	strbuf_add_visible(out, msg, strlen(msg));
}

int mrp_err_exit_code(enum mrp_errcode code)
{
	static const unsigned char exit_codes[] = {
		[MRP_OK] = 0,
		[MRP_EFAILED] = 1,
		[MRP_EUSAGE] = 64,
		[MRP_EPARSE] = 65,
		[MRP_ERANGE] = 65,
		[MRP_EINVALID] = 65,
		[MRP_ENOTFOUND] = 1,
		[MRP_EEXISTS] = 1,
		[MRP_EPRECONDITION] = 1,
		[MRP_EREFUSED] = 3,
		[MRP_EUNREACHABLE] = 69,
		[MRP_EHTTP] = 1,
		[MRP_EPERM] = 77,
		[MRP_ELOCKED] = 75,
		[MRP_EBUSY] = 75,
		[MRP_ENOSPC] = 1,
		[MRP_ETOOBIG] = 65,
		[MRP_EOS] = 1,
		[MRP_EINTERRUPTED] = 130,
	};

	if (code < 0 || (size_t)code >= ARRAY_SIZE(exit_codes))
		BUG("no exit code for error %d", (int)code);
	return exit_codes[code];
}

void mrp_loc_format(struct strbuf *out, struct mrp_loc loc)
{
	if (!loc.file)
		return;
	strbuf_addstr(out, loc.file);
	if (loc.line)
		strbuf_addf(out, ":%u", loc.line);
	if (loc.line && loc.col)
		strbuf_addf(out, ":%u", loc.col);
}

static void add(struct problems *problems, struct mrp_loc loc, const char *field, char *msg, bool warning)
{
	struct problem problem = { .loc = loc, .msg = msg, .warning = warning };

	problem.loc.file = loc.file ? xstrdup(loc.file) : NULL;
	problem.subject = problems->subject ? xstrdup(problems->subject) : NULL;
	problem.field = field && *field ? xstrdup(field) : NULL;
	problem_vec_push(&problems->list, problem);
	problems->errors += !warning;
}

void problems_add(struct problems *problems, struct mrp_loc loc, const char *field, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(problems, loc, field, xvasprintf(fmt, ap), false);
	va_end(ap);
}

void problems_warn(struct problems *problems, struct mrp_loc loc, const char *field, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(problems, loc, field, xvasprintf(fmt, ap), true);
	va_end(ap);
}

void problems_clear(struct problems *problems)
{
	for (size_t i = 0; i < problems->list.n; i++) {
		struct problem *problem = &problems->list.v[i];

		free((char *)problem->loc.file);
		free(problem->subject);
		free(problem->field);
		free(problem->msg);
	}
	problem_vec_clear(&problems->list);
	problems->errors = 0;
}

static int compare_problems(const void *a, const void *b)
{
	const struct problem *x = a, *y = b;
	int order = strcmp(x->loc.file ? x->loc.file : "", y->loc.file ? y->loc.file : "");

	if (order)
		return order;
	if (x->loc.line != y->loc.line)
		return x->loc.line < y->loc.line ? -1 : 1;
	if (x->loc.col != y->loc.col)
		return x->loc.col < y->loc.col ? -1 : 1;
	return strcmp(x->msg, y->msg);
}

void problems_sort(struct problems *problems)
{
	if (problems->list.n > 1)
		qsort(problems->list.v, problems->list.n, sizeof(problems->list.v[0]), compare_problems);
}

void problem_format(struct strbuf *out, const struct problem *problem)
{
	struct strbuf where = STRBUF_INIT;

	mrp_loc_format(&where, problem->loc);
	if (where.len) {
		strbuf_add_visible(out, where.buf, where.len);
		strbuf_addstr(out, ": ");
	}
	strbuf_release(&where);
	if (problem->warning)
		strbuf_addstr(out, "warning: ");
	if (problem->subject) {
		strbuf_add_visible(out, problem->subject, strlen(problem->subject));
		strbuf_addstr(out, ": ");
	}
	if (problem->field) {
		strbuf_add_visible(out, problem->field, strlen(problem->field));
		strbuf_addstr(out, ": ");
	}
	strbuf_add_visible(out, problem->msg, strlen(problem->msg));
}

void problems_format_first(struct strbuf *out, const struct problems *problems)
{
	size_t i = 0;

	while (i < problems->list.n && problems->list.v[i].warning)
		i++;
	if (i == problems->list.n)
		return;
	problem_format(out, &problems->list.v[i]);
	if (problems->errors > 1)
		strbuf_addf(out, " (and %zu more)", problems->errors - 1);
}
