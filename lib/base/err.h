/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How failures travel: a function that can fail takes `struct mrp_err *err` last and returns -1 (or NULL) after
 * setting it; every setter returns -1, so a failing line is one statement. Callers wrap to add context on the way up;
 * cmd/main.c prints once and turns the code into an exit code. Library code prints nothing.
 *
 * `struct problems` is for inputs where all mistakes are to be shown at once (a tree of configs, a request body).
 */
#ifndef MRP_BASE_ERR_H
#define MRP_BASE_ERR_H

#include "strbuf.h"
#include "vec.h"

enum mrp_errcode {
	MRP_OK,
	MRP_EFAILED,       /* something did not work, no caller needs to know more */
	MRP_EUSAGE,        /* the command line is wrong */
	MRP_EPARSE,        /* text that is not what it should be */
	MRP_ERANGE,        /* a number out of its range */
	MRP_EINVALID,      /* well-formed but wrong content: a bad config, a bad object */
	MRP_ENOTFOUND,
	MRP_EEXISTS,       /* created twice, or still referenced */
	MRP_EPRECONDITION, /* If-Match does not match */
	MRP_EREFUSED,      /* a guard says no */
	MRP_EUNREACHABLE,  /* no connection to the API */
	MRP_EHTTP,         /* an answer that is an error, or that makes no sense */
	MRP_EPERM,         /* not allowed */
	MRP_ELOCKED,       /* somebody else holds it; try again */
	MRP_EBUSY,         /* overloaded or not available now; try again */
	MRP_ENOSPC,        /* the disk is full */
	MRP_ETOOBIG,       /* over a limit */
	MRP_EOS,           /* a system call failed */
	MRP_EINTERRUPTED,
};

struct mrp_err {
	enum mrp_errcode code;
	char *where; /* owned; "dns/prober.yaml:14:13", or NULL */
	char *msg;   /* owned; what failed first, subject in single quotes, lower case, no full stop */
};

#define MRP_ERR_INIT { MRP_OK, NULL, NULL }

/* A place in a text file; line and column count from 1, 0 means unknown. `file` is borrowed. */
struct mrp_loc {
	const char *file;
	uint32_t line, col;
};

void mrp_err_clear(struct mrp_err *err);
/* Set the error; what was there before is dropped. */
int mrp_err_set(struct mrp_err *err, enum mrp_errcode code, const char *fmt, ...) PRINTF(3, 4);
/* As mrp_err_set, and errno's text follows: "cannot create 'x': Permission denied". ENOSPC and EACCES keep their codes. */
int mrp_err_errno(struct mrp_err *err, const char *fmt, ...) PRINTF(2, 3);
/* As mrp_err_set, with a place. */
int mrp_err_at(struct mrp_err *err, enum mrp_errcode code, struct mrp_loc loc, const char *fmt, ...) PRINTF(4, 5);
/* Put context in front of the message: "context: message". */
int mrp_err_wrap(struct mrp_err *err, const char *fmt, ...) PRINTF(2, 3);
/* Move `from` into `to`; from is empty afterwards. */
int mrp_err_move(struct mrp_err *to, struct mrp_err *from);

/* The same functions, with a result that the compiler can see: it then knows that what follows a setter is not reached
 * with a variable unset, and warns where one really is. */
static inline int mrp_failed(int minus_one)
{
	(void)minus_one;
	return -1;
}
#define mrp_err_set(...) mrp_failed(mrp_err_set(__VA_ARGS__))
#define mrp_err_errno(...) mrp_failed(mrp_err_errno(__VA_ARGS__))
#define mrp_err_at(...) mrp_failed(mrp_err_at(__VA_ARGS__))
#define mrp_err_wrap(...) mrp_failed(mrp_err_wrap(__VA_ARGS__))
#define mrp_err_move(...) mrp_failed(mrp_err_move(__VA_ARGS__))

/* "where: message", made visible (no control characters). */
void mrp_err_format(struct strbuf *out, const struct mrp_err *err);
/* The exit code of a command that ends with this error (spec of the command line: 1, 3, 64, 65, 69, 75, 77, 130). */
int mrp_err_exit_code(enum mrp_errcode code);

/* Adds "path:line:col" (line and column only when known). */
void mrp_loc_format(struct strbuf *out, struct mrp_loc loc);

/* One mistake of many. */
struct problem {
	struct mrp_loc loc; /* file is owned here; NULL when the input has no file */
	char *subject;      /* "prober 'dns'", or NULL */
	char *field;        /* "limits.memory", or NULL */
	char *msg;
	bool warning;
};

VEC_DEFINE(problem_vec, struct problem)

struct problems {
	struct problem_vec list;
	size_t errors;       /* those that are no warnings */
	const char *subject; /* borrowed; what problems added from now on are about, or NULL */
};

#define PROBLEMS_INIT { VEC_INIT, 0, NULL }

void problems_clear(struct problems *problems);
void problems_add(struct problems *problems, struct mrp_loc loc, const char *field, const char *fmt, ...) PRINTF(4, 5);
void problems_warn(struct problems *problems, struct mrp_loc loc, const char *field, const char *fmt, ...) PRINTF(4, 5);
/* By file, line and column. */
void problems_sort(struct problems *problems);
/* One line of text, without a newline: "path:line:col: subject: field: msg", with "warning: " after the place for
 * warnings. */
void problem_format(struct strbuf *out, const struct problem *problem);
/* Where there is room for one: the first error as problem_format writes it, and how many more there are. */
void problems_format_first(struct strbuf *out, const struct problems *problems);

#endif
