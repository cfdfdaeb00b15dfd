/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of probes under load, for tests/bench: N checks, P of them in flight, all good or the run has failed.
 *
 *   probeload N P PROBE      PROBE is JSON: '{"tcp": {"host": "127.0.0.1", "port": 80}}'
 *
 * "%T" in PROBE is the number of the place in flight, as two parts of an address: "127.1.%T" is 127.1.0.1 and so on.
 * Prints "checks=N cpu_us=CPU-PER-CHECK wall_us=... rate=PER-SECOND max_rss_kib=...". The first P checks load what is
 * loaded on first use and do not count.
 */
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>

#include "../../lib/base/parse.h"
#include "../../lib/probe/probe.h"
#include "../../lib/value/json.h"

struct load {
	struct probe_engine *engine;
	atomic_long left; /* to submit */
	sem_t ended;      /* once for each place */
};

struct place {
	struct probe_job job;
	struct load *load;
};

static NORETURN void stop(const char *text)
{
	fprintf(stderr, "probeload: %s\n", text);
	exit(1);
}

static void on_done(struct probe_job *job)
{
	struct place *place = (struct place *)job;

	if (job->verdict.status != VERDICT_SUCCESS)
		stop(job->verdict.message);
	arena_reset(&job->arena);
	job->verdict = (struct verdict){ .message = "" };
	if (atomic_fetch_sub(&place->load->left, 1) > 0)
		probe_submit(place->load->engine, job);
	else
		sem_post(&place->load->ended);
}

/* Every place goes on until there is nothing left. */
static void run(struct load *load, struct place *places, long n, long in_flight)
{
	atomic_store(&load->left, n - in_flight);
	for (long i = 0; i < in_flight; i++)
		probe_submit(load->engine, &places[i].job);
	for (long i = 0; i < in_flight; i++) {
		while (sem_wait(&load->ended) < 0)
			continue;
	}
}

static const struct value *probe_of(struct arena *arena, const char *text, long place)
{
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct mrp_err err = MRP_ERR_INIT;

	for (const char *p = text; *p; p++) {
		if (p[0] == '%' && p[1] == 'T') {
			strbuf_addf(&out, "%ld.%ld", place / 250, place % 250 + 1);
			p++;
		} else {
			strbuf_addch(&out, *p);
		}
	}
	const struct value *probe = json_parse(arena, out.buf, out.len, "PROBE", &err);
	if (!probe)
		stop(err.msg);
	return probe;
}

static double cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static double wall_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	struct load load = { 0 };
	struct rusage usage;
	int64_t n, in_flight;

	if (argc != 4 || parse_int(&n, argv[1], 1, 100000000, &err) < 0 ||
		parse_int(&in_flight, argv[2], 1, n, &err) < 0)
		stop("usage: probeload N P PROBE");
	load.engine = probe_engine_new(&err);
	if (!load.engine)
		stop(err.msg);
	sem_init(&load.ended, 0, 0);
	struct place *places = xcalloc((size_t)in_flight, sizeof(*places));
	for (long i = 0; i < in_flight; i++)
		places[i] =
			(struct place){ { .probe = probe_of(&arena, argv[3], i), .timeout_ms = 60000, .done = on_done },
				&load };
	run(&load, places, in_flight, in_flight);
	double cpu = cpu_us(), wall = wall_us();
	run(&load, places, n, in_flight);
	cpu = cpu_us() - cpu;
	wall = wall_us() - wall;
	getrusage(RUSAGE_SELF, &usage);
	printf("checks=%ld cpu_us=%.2f wall_us=%.2f rate=%.0f max_rss_kib=%ld\n", (long)n, cpu / (double)n,
		wall / (double)n, (double)n * 1e6 / wall, usage.ru_maxrss);
	for (long i = 0; i < in_flight; i++)
		arena_release(&places[i].job.arena);
	free(places);
	probe_engine_free(load.engine);
	sem_destroy(&load.ended);
	return 0;
}
