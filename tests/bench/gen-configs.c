/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen-configs [-n COUNT] [-s SEED] [-l SLUGS-FILE] DIR
 * gen-configs [-n COUNT] [-s SEED] -r CHANGES -R ROUND DIR
 *
 * Make a configuration tree of COUNT probers (default 10,000), such as a large monorepository
 * has: one environment, one recipe, three clusters, and for each prober a YAML file of about
 * 1.5 KB and a program of a few hundred bytes. SLUGS-FILE gets the slugs, one a line.
 *
 * With -r, rewrite CHANGES of the probers of an existing tree, spread evenly over it, with
 * another interval. Each ROUND (1, 2, ...) changes them to a value no earlier round used.
 *
 * Everything about a prober follows from SEED, its number and the round, so the same
 * arguments always give the same bytes.
 */
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE 4096

struct text {
	char buf[MAX_FILE];
	size_t len;
};

/* The varying parts of one prober. */
struct facts {
	long number;
	char slug[64];
	char service[32]; /* checkout-gateway */
	char alert[48];   /* CheckoutGateway00042 */
	const char *tier, *output;
	int team, port, pool, a, b, c;
	int interval, timeout; /* seconds */
	bool second_alert, heals;
};

static const char *const words[] = { "checkout", "cart", "payment", "search", "login", "profile", "invoice", "stream",
	"ingest", "batch", "queue", "router" };
static const char *const parts[] = { "gateway", "cache", "index", "storage", "worker", "balancer", "archive" };
static const char *const tiers[] = { "gold", "silver", "bronze" };
static const char *const outputs[] = { "exit", "nagios" };
static const int intervals[] = { 15, 30, 60, 120, 300 };

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static __attribute__((format(printf, 2, 3))) void add(struct text *text, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text->buf + text->len, sizeof(text->buf) - text->len, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(text->buf) - text->len)
		die("a file of the tree is over %d bytes", MAX_FILE);
	text->len += (size_t)n;
}

/* SplitMix64: a few lines, and every seed gives a good sequence. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static unsigned below(uint64_t *state, size_t n)
{
	return (unsigned)(next_random(state) % n);
}

static void camel_case(char *out, const char *dashed)
{
	bool upper = true;

	for (; *dashed; dashed++) {
		if (*dashed == '-') {
			upper = true;
			continue;
		}
		*out++ = upper ? (char)(*dashed - 'a' + 'A') : *dashed;
		upper = false;
	}
	*out = '\0';
}

static struct facts make_facts(uint64_t seed, long number, long round)
{
	uint64_t state = seed * 0x2545f4914f6cdd1du + (uint64_t)number;
	struct facts f = { .number = number };
	char camel[32];

	snprintf(f.service, sizeof(f.service), "%s-%s", words[below(&state, COUNT(words))],
		parts[below(&state, COUNT(parts))]);
	snprintf(f.slug, sizeof(f.slug), "%s-%05ld", f.service, number);
	camel_case(camel, f.service);
	snprintf(f.alert, sizeof(f.alert), "%s%05ld", camel, number);
	f.tier = tiers[below(&state, COUNT(tiers))];
	f.output = outputs[below(&state, COUNT(outputs))];
	f.team = (int)below(&state, 50);
	f.port = (int)(1024 + below(&state, 60000));
	f.pool = (int)(1 + below(&state, 64));
	f.a = (int)below(&state, 256);
	f.b = (int)below(&state, 256);
	f.c = (int)(1 + below(&state, 250));
	f.interval = intervals[below(&state, COUNT(intervals))];
	f.timeout = (int)(2 + below(&state, 8));
	f.second_alert = below(&state, 2);
	f.heals = below(&state, 3) != 0;
	if (round)
		f.interval = (int)(600 + round); /* no prober starts with it, no other round uses it */
	return f;
}

static void describe(struct text *t, const struct facts *f)
{
	add(t,
		"# Watches %s for team-%02d.\n"
		"# Made for measurements: the same seed gives the same file.\n"
		"name: Each instance of %s answers (%05ld)\n"
		"description: |\n"
		"  Asks every instance of %s in turn, over IPv4 and IPv6, and compares\n"
		"  the answer with the one of the run before.\n"
		"\n"
		"  When it fails, look at the balancer first: team-%02d moved it lately.\n"
		"labels:\n"
		"  team: team-%02d\n"
		"  tier: %s\n"
		"  service: %s\n"
		"  \"shard\": \"%ld\"\n",
		f->service, f->team, f->service, f->number, f->service, f->team, f->team, f->tier, f->service,
		f->number % 64);
}

static void schedule(struct text *t, const struct facts *f)
{
	add(t,
		"command:\n"
		"  - ./check.sh\n"
		"  - \"${target}\"\n"
		"  - \"${record}\"\n"
		"  - --port=%d\n"
		"interval: %ds   # on every host\n"
		"timeout: %ds\n"
		"retry_interval: 10s\n"
		"grace: 2s\n"
		"overlap: skip\n"
		"concurrency_group: team-%02d\n"
		"output: %s\n"
		"limits: {memory: 64MiB, processes: 16, output: 64KiB}\n"
		"matrix:\n"
		"  target: [10.%d.%d.%d, 10.%d.%d.%d]   # two instances\n"
		"  record:\n"
		"    - A\n"
		"    - AAAA\n",
		f->port, f->interval, f->timeout, f->team, f->output, f->a, f->b, f->c, f->a, f->b, f->c + 1);
}

static void environment(struct text *t, const struct facts *f)
{
	add(t,
		"# what the program gets besides its arguments\n"
		"env:\n"
		"  LC_ALL: C\n"
		"  ENDPOINT: \"https://${target}:%d/health?verbose=1\"\n"
		"  WHERE: \"${environment}/${cluster}/${host}\"\n"
		"  POOL_SIZE: \"%d\"\n"
		"  EXPECTED: |\n"
		"    status: ok\n"
		"    service: %s\n",
		f->port, f->pool, f->service);
}

static void placements(struct text *t, const struct facts *f)
{
	add(t,
		"placements:\n"
		"  - clusters: [\"bench-*\"]\n"
		"  - clusters: [bench-a, bench-b]\n"
		"    hosts: [\"*-canary\", \"vm-%d\"]\n"
		"    interval: 12s\n"
		"    labels: {stage: canary}\n"
		"  - clusters: [bench-c]\n"
		"    hosts: [\"lab-*\"]\n"
		"    enabled: false\n"
		"keep_logs: failures\n",
		f->c);
}

static void alerts(struct text *t, const struct facts *f)
{
	add(t,
		"alerts:\n"
		"  - name: %sFails\n"
		"    after: 3\n"
		"    severity: page\n"
		"    summary: \"%s fails on {{ $labels.host }}\"\n",
		f->alert, f->service);
	if (f->second_alert)
		add(t, "  - {name: %sFailsLong, after: 20, severity: ticket, summary: \"%s has failed for long\"}\n",
			f->alert, f->service);
	if (f->heals)
		add(t, "heal: {after: 5, command: [./check.sh, --repair], at_most_every: 10m, give_up_after: 3}\n");
}

static void program(struct text *t, const struct facts *f)
{
	add(t,
		"#!/bin/sh\n"
		"# Asks one instance of %s, port %d.\n"
		"set -eu\n"
		"target=${1:?} record=${2:-A}\n"
		"case $record in\n"
		"A) want=10.%d.%d.%d ;;\n"
		"*) want=fd00::%x:%x ;;\n"
		"esac\n"
		"if [ \"$target\" = none ]; then\n"
		"	echo \"CRITICAL - no instance of %s, wanted $want\"\n"
		"	exit 2\n"
		"fi\n"
		"echo \"OK - $target answers | time=0.0%ds;1;2\"\n",
		f->service, f->port, f->a, f->b, f->c, (unsigned)f->number + 1, (unsigned)f->port, f->service, f->pool);
}

static void write_file(int dir, const char *name, mode_t mode, const char *text, size_t len)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0)
		die("cannot create '%s': %s", name, strerror(errno));
	if (write(fd, text, len) != (ssize_t)len || fchmod(fd, mode) < 0 || close(fd) < 0)
		die("cannot write '%s': %s", name, strerror(errno));
}

static int open_dir(int parent, const char *name)
{
	int fd;

	if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
		die("cannot make folder '%s': %s", name, strerror(errno));
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		die("cannot open folder '%s': %s", name, strerror(errno));
	return fd;
}

static void write_prober(int probers, const struct facts *f)
{
	struct text yaml = { .len = 0 }, check = { .len = 0 };
	int dir = open_dir(probers, f->slug);

	describe(&yaml, f);
	schedule(&yaml, f);
	environment(&yaml, f);
	placements(&yaml, f);
	alerts(&yaml, f);
	program(&check, f);
	write_file(dir, "prober.yaml", 0644, yaml.buf, yaml.len);
	write_file(dir, "check.sh", 0755, check.buf, check.len);
	close(dir);
}

/* Everything but the probers; `path` has at most two folders. */
static const struct {
	const char *path, *text;
} fixed_files[] = {
	{ "mrprober.yaml",
		"mrprober: 1\n"
		"environments:\n"
		"  bench: {values: environments/bench.yaml}\n"
		"required_variables: [ycp_profile, yc_endpoint]\n"
		"guards: {max_deletes: 10%}\n" },
	{ "values.yaml",
		"ycp_profile: bench\n"
		"network: {mtu: 1500, zones: [zone-a, zone-b]}\n" },
	{ "environments/bench.yaml",
		"yc_endpoint: \"api.example.net:443\"\n"
		"network: {mtu: 9000}\n" },
	{ "recipes/bench/recipe.yaml",
		"name: Bench\n"
		"description: One recipe for all clusters of the measurement\n" },
	{ "recipes/bench/values.yaml", "instances: 3\n" },
	{ "recipes/bench/main.tf",
		"variable \"instances\" {\n"
		"  type = number\n"
		"}\n"
		"\n"
		"resource \"terraform_data\" \"vm\" {\n"
		"  count = var.instances\n"
		"  input = \"vm-${count.index}\"\n"
		"}\n" },
	{ "clusters/bench-a/cluster.yaml", "name: Bench A\nrecipe: bench\nvariables:\n  instances: 5\n" },
	{ "clusters/bench-b/cluster.yaml", "name: Bench B\nrecipe: bench\n" },
	{ "clusters/bench-c/cluster.yaml",
		"name: Bench C\nrecipe: bench\n"
		"deploy: {interval: 15m, timeout: 30m, max_destroy: 3}\n" },
};

static void write_fixed(int root, const char *path, const char *text)
{
	char folder[64];
	const char *slash = strchr(path, '/');
	int dir;

	if (!slash) {
		write_file(root, path, 0644, text, strlen(text));
		return;
	}
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	dir = open_dir(root, folder);
	write_fixed(dir, slash + 1, text);
	close(dir);
}

static void write_tree(int root, int probers, uint64_t seed, long count, FILE *slugs)
{
	size_t i;
	long n;

	for (i = 0; i < COUNT(fixed_files); i++)
		write_fixed(root, fixed_files[i].path, fixed_files[i].text);
	for (n = 0; n < count; n++) {
		struct facts f = make_facts(seed, n, 0);

		write_prober(probers, &f);
		if (slugs)
			fprintf(slugs, "%s\n", f.slug);
	}
}

static void rewrite(int probers, uint64_t seed, long count, long changes, long round)
{
	long i;

	for (i = 0; i < changes; i++) {
		struct facts f = make_facts(seed, i * count / changes, round);

		write_prober(probers, &f);
	}
}

int main(int argc, char **argv)
{
	long count = 10000, seed = 1, changes = 0, round = 1;
	const char *slugs_path = NULL;
	FILE *slugs = NULL;
	int opt, root, probers;

	while ((opt = getopt(argc, argv, "n:s:l:r:R:")) != -1) {
		switch (opt) {
		case 'n':
			count = parse_long("-n", optarg, 1, 1000000);
			break;
		case 's':
			seed = parse_long("-s", optarg, 0, 1000000000);
			break;
		case 'l':
			slugs_path = optarg;
			break;
		case 'r':
			changes = parse_long("-r", optarg, 1, 1000000);
			break;
		case 'R':
			round = parse_long("-R", optarg, 1, 80000);
			break;
		default:
			return 64;
		}
	}
	if (argc - optind != 1)
		die_usage("usage: gen-configs [-n COUNT] [-s SEED] [-l SLUGS-FILE | -r CHANGES -R ROUND] DIR");
	if (changes > count)
		die_usage("-r: the tree has only %ld probers", count);

	umask(022);
	root = open_dir(AT_FDCWD, argv[optind]);
	probers = open_dir(root, "probers");
	if (slugs_path && !(slugs = fopen(slugs_path, "we")))
		die("cannot create '%s': %s", slugs_path, strerror(errno));
	if (changes)
		rewrite(probers, (uint64_t)seed, count, changes, round);
	else
		write_tree(root, probers, (uint64_t)seed, count, slugs);
	if (slugs && fclose(slugs) == EOF)
		die("cannot write '%s': %s", slugs_path, strerror(errno));
	close(probers);
	close(root);
	return 0;
}
