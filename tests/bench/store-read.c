/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store-read [-t SECONDS] [-n AT-ONCE] URL SLUGS-FILE
 *
 * How many probers a second the store of mrprober reads by their slugs through one connection, when it is asked for many
 * at once as lists of slugs do (object_read_many). The library of the program that is measured, without HTTP.
 */
#include "../../lib/store/objects.h"

#include <time.h>
#include <unistd.h>

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int fail(const char *what)
{
	fprintf(stderr, "store-read: %s\n", what);
	return 1;
}

static void read_slugs(struct strvec *slugs, const char *path)
{
	FILE *file = fopen(path, "r");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		strvec_push(slugs, line);
	}
	if (file)
		fclose(file);
}

static int count(void *ctx, const char *slug, const char *body, size_t len, struct mrp_err *err)
{
	(void)slug, (void)err;
	*(long *)ctx += len && *body == '{';
	return 1;
}

int main(int argc, char **argv)
{
	struct strvec slugs = STRVEC_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	struct store_conn *conn;
	double seconds = 2, start, now;
	size_t at_once = 256, asked = 0;
	long n = 0;
	int opt;

	while ((opt = getopt(argc, argv, "t:n:")) != -1) {
		if (opt == 't')
			seconds = strtod(optarg, NULL);
		else if (opt == 'n')
			at_once = (size_t)strtol(optarg, NULL, 10);
		else
			return 64;
	}
	if (argc - optind != 2)
		return fail("usage: store-read [-t SECONDS] [-n AT-ONCE] URL SLUGS-FILE"), 64;
	read_slugs(&slugs, argv[optind + 1]);
	const struct store_ops *ops = store_ops_for(argv[optind], &err);
	if (slugs.n < at_once || !ops || ops->open(&conn, argv[optind], &store_schema, STORE_READ, &err) < 0)
		return fail(err.msg ? err.msg : "too few slugs");

	start = seconds_now();
	do {
		size_t first = asked % (slugs.n - at_once + 1);

		if (object_read_many(conn, KIND_PROBER, slugs.v + first, at_once, false, count, &n, &err) < 0)
			return fail(err.msg);
		asked += at_once;
		now = seconds_now();
	} while (now - start < seconds);

	ops->close(conn);
	strvec_clear(&slugs);
	if ((size_t)n != asked)
		return fail("some are not there");
	printf("per_second=%.0f n=%ld seconds=%.3f\n", (double)n / (now - start), n, now - start);
	return 0;
}
