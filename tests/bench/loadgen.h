/* SPDX-License-Identifier: Apache-2.0 */
/* The modes of the load generator: loadgen.c has the options, load.c and pages.c do the work. */
#ifndef BENCH_LOADGEN_H
#define BENCH_LOADGEN_H

#include <stdbool.h>
#include <sys/types.h>

#define MAX_CLIENTS 16384

struct options {
	long clients;           /* -c */
	long requests;          /* -n; 0: for `seconds` */
	double seconds;         /* -t */
	double warm_up;         /* -w, seconds */
	const char *slugs_path; /* -l, or NULL */
	pid_t server;           /* -p, or 0 */
	double rate;            /* -R, requests a second; 0: as many as the server takes */
	const char *etag;       /* -E, or NULL: every answer must be 304 then */
	long runs;              /* -r */
	long items;             /* -e; 0: any number */
};

/* Each returns the exit code. */
int load_run(const struct options *opt, bool patch, char **urls, int n);
int pages_run(const struct options *opt, char **urls, int n);
int body_run(char **urls, int n);

#endif
