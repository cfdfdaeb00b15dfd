/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Option tables. A row says an option's names, type, argument and help, and where its value goes in the command's own
 * struct (an offset, so tables are constant and can be parsed twice). The same rows feed parsing, the environment
 * (MRPROBER_<OPTION>), -h, the manual pages and completion.
 *
 *	struct sync_args { bool check; int format; int64_t lock_timeout_ms; };
 *	static const struct mrp_opt opts[] = {
 *		OPT_BOOL(0, "check", struct sync_args, check, "change nothing"),
 *		OPT_ENUM(0, "format", struct sync_args, format, "text|json|markdown", "how the plan is printed"),
 *		OPT_DURATION(0, "lock-timeout", struct sync_args, lock_timeout_ms, "<duration>", "wait for the lock"),
 *		OPT_END
 *	};
 *
 * More of a row's fields can follow as designated initializers: OPT_INT(..., "help", .min = 1, .max = 1000).
 */
#ifndef MRP_CLI_OPTS_H
#define MRP_CLI_OPTS_H

#include "../base/err.h"

enum mrp_opt_type {
	OPT_TYPE_END,
	OPT_TYPE_BOOL,     /* bool: --x and --no-x */
	OPT_TYPE_TRISTATE, /* int: 1 for --x, 0 for --no-x; the default is up to the caller, -1 say */
	OPT_TYPE_COUNT,    /* int: one more each time (from 0 when negative); --no-x makes it 0 */
	OPT_TYPE_STRING,   /* const char *: borrowed from argv or the environment */
	OPT_TYPE_INT,      /* int64_t, min..max when they are not both 0 */
	OPT_TYPE_DURATION, /* int64_t, milliseconds, min..max likewise */
	OPT_TYPE_SIZE,     /* int64_t, bytes, min..max likewise */
	OPT_TYPE_ENUM,     /* int: index of the word in `arg` ("text|json|markdown") */
	OPT_TYPE_LIST,     /* struct strvec: repeatable */
	OPT_TYPE_LIMIT,    /* struct mrp_limit: "N" or "P%" */
	OPT_TYPE_ENDPOINT, /* struct mrp_endpoint: "ADDR:PORT", "[::1]:PORT", ":PORT" */
};

enum {
	OPTF_HIDDEN = 1 << 0, /* neither in help nor in completion */
	OPTF_NO_ENV = 1 << 1, /* never from the environment (or read there by somebody else) */
	OPTF_FILE = 1 << 2,   /* the argument is a file: completion offers file names */
	OPTF_FOLDER = 1 << 3, /* likewise folders */
	OPTF_NO_NO = 1 << 4,  /* a bool without --no-x */
};

/* A number of things, or a part of them. */
struct mrp_limit {
	bool set;
	bool is_percent;
	int64_t count;  /* when !is_percent */
	double percent; /* when is_percent: 0-100 */
};

/* "5" or "10%". MRP_EPARSE, MRP_ERANGE. */
int mrp_limit_parse(struct mrp_limit *out, const char *text, struct mrp_err *err);

struct mrp_endpoint {
	char host[256]; /* without brackets; "" for every address */
	int port;       /* 0: any free one */
};

struct mrp_complete;

/* Offers candidates that start with `word` (lib/cli/complete.h). `argv` are the positional arguments so far. */
typedef void mrp_complete_fn(struct mrp_complete *c, int argc, char *const *argv, const char *word);

struct mrp_opt {
	enum mrp_opt_type type;
	char letter;      /* 0: none */
	const char *name; /* without dashes; NULL: only a letter */
	size_t offset;    /* in the command's struct */
	const char *arg;  /* "<file>", "N|P%", the words of an ENUM; NULL for BOOL, TRISTATE, COUNT */
	const char *help; /* one line, no full stop; a default is said here */
	int64_t min, max;
	unsigned flags;
	mrp_complete_fn *complete; /* values; may be NULL */
};

/* A compile-time check that the member has the type the row writes. */
#define OPT_AT_(st, member, want) \
	(offsetof(st, member) +   \
		0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((st *)0)->member), want) ? 1 : -1]))

/* clang-format off */
#define OPT_BOOL(c, l, st, m, help_, ...) \
	{ OPT_TYPE_BOOL, c, l, OPT_AT_(st, m, bool), NULL, help_, __VA_ARGS__ }
#define OPT_TRISTATE(c, l, st, m, help_, ...) \
	{ OPT_TYPE_TRISTATE, c, l, OPT_AT_(st, m, int), NULL, help_, __VA_ARGS__ }
#define OPT_COUNT(c, l, st, m, help_, ...) \
	{ OPT_TYPE_COUNT, c, l, OPT_AT_(st, m, int), NULL, help_, __VA_ARGS__ }
#define OPT_STRING(c, l, st, m, arg_, help_, ...) \
	{ OPT_TYPE_STRING, c, l, OPT_AT_(st, m, const char *), arg_, help_, __VA_ARGS__ }
#define OPT_INT(c, l, st, m, arg_, help_, ...) \
	{ OPT_TYPE_INT, c, l, OPT_AT_(st, m, int64_t), arg_, help_, __VA_ARGS__ }
#define OPT_DURATION(c, l, st, m, arg_, help_, ...) \
	{ OPT_TYPE_DURATION, c, l, OPT_AT_(st, m, int64_t), arg_, help_, __VA_ARGS__ }
#define OPT_SIZE(c, l, st, m, arg_, help_, ...) \
	{ OPT_TYPE_SIZE, c, l, OPT_AT_(st, m, int64_t), arg_, help_, __VA_ARGS__ }
#define OPT_ENUM(c, l, st, m, words_, help_, ...) \
	{ OPT_TYPE_ENUM, c, l, OPT_AT_(st, m, int), words_, help_, __VA_ARGS__ }
#define OPT_LIST(c, l, st, m, arg_, help_, ...) \
	{ OPT_TYPE_LIST, c, l, OPT_AT_(st, m, struct strvec), arg_, help_, __VA_ARGS__ }
#define OPT_LIMIT(c, l, st, m, arg_, help_, ...) \
	{ OPT_TYPE_LIMIT, c, l, OPT_AT_(st, m, struct mrp_limit), arg_, help_, __VA_ARGS__ }
#define OPT_ENDPOINT(c, l, st, m, arg_, help_, ...) \
	{ OPT_TYPE_ENDPOINT, c, l, OPT_AT_(st, m, struct mrp_endpoint), arg_, help_, __VA_ARGS__ }
#define OPT_END { .type = OPT_TYPE_END }
/* clang-format on */

/* A table together with the struct that it fills. When two tables have the same option, the earlier group gets it. */
struct mrp_opt_group {
	const struct mrp_opt *opts; /* at most 64 rows; may be NULL */
	void *base;
	uint64_t seen; /* out: a bit for each row that was on the command line */
};

enum {
	OPTS_STOP_AT_ARGUMENT = 1 << 0, /* what follows the first argument that is no option is left alone */
};

/* Parse argv[0..*argc) (no program name). What is no option is moved to the front, in its order, and *argc is their
 * number; with OPTS_STOP_AT_ARGUMENT everything from the first of them on counts. "--" ends options and is dropped.
 * -h and --help stop the parsing and set *help. Members that no option names keep their value; a LIST is appended to.
 * Returns 0, or -1 with MRP_EUSAGE. */
int mrp_opts_parse(struct mrp_opt_group *groups, size_t n_groups, int *argc, char **argv, unsigned flags, bool *help,
	struct mrp_err *err);

/* Fill in what MRPROBER_<OPTION> variables say, for the rows that the command line did not set. An empty variable is as
 * none. A bool is 1/true/yes/on or 0/false/no/off, a LIST is separated by commas. Returns 0, or -1 with MRP_EUSAGE. */
int mrp_opts_from_env(const struct mrp_opt_group *group, struct mrp_err *err);

/* Put one value where the row says, as if it had been given; `shown` is the option's name for messages. */
int mrp_opt_set(const struct mrp_opt *opt, void *base, const char *text, const char *shown, struct mrp_err *err);

/* Release what the struct owns: its LISTs. */
void mrp_opts_release(const struct mrp_opt *opts, void *base);

/* The row that "name" (without dashes) means, or NULL; *no when it is written --no-name. */
const struct mrp_opt *mrp_opt_find(const struct mrp_opt *opts, const char *name, size_t len, bool *no);
const struct mrp_opt *mrp_opt_find_letter(const struct mrp_opt *opts, char letter);

/* "MRPROBER_LOCK_TIMEOUT" for "lock-timeout". */
void mrp_opt_env_name(struct strbuf *out, const struct mrp_opt *opt);
/* True when the type takes an argument. */
bool mrp_opt_has_arg(const struct mrp_opt *opt);
/* True when the row gives --no-x too. */
bool mrp_opt_has_no(const struct mrp_opt *opt);
/* Calls `each` with every word of an ENUM. */
void mrp_opt_words(const struct mrp_opt *opt, void (*each)(void *ctx, const char *word, size_t len), void *ctx);
/* The index of the word in "a|b|c", or -1. */
int mrp_word_index(const char *words, const char *text);

/* "-o, --output text|json" */
void mrp_opt_names(struct strbuf *out, const struct mrp_opt *opt);
/* " [-q] [--[no-]check] [--only <kind/glob>]..." for the usage line; spaces inside brackets are written as MRP_NBSP. */
void mrp_opts_synopsis(struct strbuf *out, const struct mrp_opt *opts);
/* Aligned lines for -h, wrapped at `columns`. */
void mrp_opts_help(struct strbuf *out, const struct mrp_opt *opts, size_t columns);

#endif
