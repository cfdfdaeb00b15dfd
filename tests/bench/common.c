/* SPDX-License-Identifier: Apache-2.0 */
/* What the benchmark programs share; the contracts are in common.h. */
#include "common.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

double now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void print_message(const char *fmt, va_list args)
{
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_message(fmt, args);
	va_end(args);
	exit(1);
}

void die_usage(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_message(fmt, args);
	va_end(args);
	exit(64);
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		die("out of memory");
	return p;
}

void *xreallocarray(void *old, size_t n, size_t size)
{
	void *p = reallocarray(old, n ? n : 1, size ? size : 1);

	if (!p)
		die("out of memory");
	return p;
}

long parse_long(const char *what, const char *text, long min, long max)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || end == text || *end || n < min || n > max)
		die_usage("%s: '%s' is not a number from %ld to %ld", what, text, min, max);
	return n;
}

double parse_seconds(const char *what, const char *text)
{
	char *end;
	double n;

	errno = 0;
	n = strtod(text, &end);
	if (errno || end == text || *end || !(n >= 0 && n <= 86400))
		die_usage("%s: '%s' is not a number of seconds", what, text);
	return n;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double quantile(double *values, size_t n, double quantile)
{
	size_t i = (size_t)((double)n * quantile);

	if (!n)
		return 0;
	qsort(values, n, sizeof(*values), compare_doubles);
	return values[i < n ? i : n - 1];
}

void lines_read(struct lines *lines, const char *path)
{
	size_t len = 0, allocated = 0;
	char *rest, *line;
	FILE *f = fopen(path, "re");

	if (!f)
		die("cannot open '%s': %s", path, strerror(errno));
	*lines = (struct lines){ 0 };
	do {
		allocated = allocated ? allocated * 2 : 1 << 16;
		lines->text = xreallocarray(lines->text, allocated, 1);
		len += fread(lines->text + len, 1, allocated - len - 1, f);
	} while (len == allocated - 1);
	if (ferror(f))
		die("cannot read '%s': %s", path, strerror(errno));
	fclose(f);
	lines->text[len] = '\0';

	allocated = 0;
	for (rest = lines->text; (line = strsep(&rest, "\n"));) {
		if (!*line)
			continue;
		if (lines->n == allocated) {
			allocated = allocated ? allocated * 2 : 1024;
			lines->line = xreallocarray(lines->line, allocated, sizeof(*lines->line));
		}
		lines->line[lines->n++] = line;
	}
	if (!lines->n)
		die("'%s' has no lines", path);
}

void lines_release(struct lines *lines)
{
	free(lines->line);
	free(lines->text);
	*lines = (struct lines){ 0 };
}

void row_format(char row[ROW_BYTES + 1], const char *slug, const char *patch)
{
	static const char filler[] = "every word of this text is as long as the row needs to be; ";
	size_t len, i;

	if (!patch || strlen(patch) > ROW_BYTES / 2)
		patch = "{}";
	len = (size_t)snprintf(row, ROW_BYTES + 1, "{\"slug\":\"%s\",\"patch\":%s,\"filler\":\"", slug, patch);
	if (len > ROW_BYTES - 2)
		die("slug '%s' is too long", slug);
	for (i = 0; len < ROW_BYTES - 2; i = (i + 1) % (sizeof(filler) - 1))
		row[len++] = filler[i];
	row[len++] = '"';
	row[len++] = '}';
	row[len] = '\0';
}

long peak_rss_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}
