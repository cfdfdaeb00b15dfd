/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A main() for fuzz targets without libFuzzer: gives them the files of a corpus folder, as they are and cut short at some
 * places, then changed at random for FUZZ_RUNS rounds (2000) or FUZZ_SECONDS. The input that broke a target is left in crash-input when the target aborts.
 *
 *	fuzz_json tests/fuzz/corpus/json
 *	FUZZ_SECONDS=600 FUZZ_SEED=1 fuzz_json tests/fuzz/corpus/json
 *	fuzz_json crash-input
 */
#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../lib/base/err.h"
#include "../../lib/base/file.h"
#include "../../lib/base/parse.h"
#include "fuzz.h"

enum { FILE_MAX = 8 << 20, CHANGED_MAX = 1 << 16, INPUTS_MAX = 4096, CUTS = 64, SLOW_SECONDS = 20 };

static struct strbuf inputs[INPUTS_MAX];
static size_t n_inputs;
static uint64_t random_state;

static uint64_t random_number(void) /* splitmix64 */
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static size_t random_below(size_t n)
{
	return n ? (size_t)(random_number() % n) : 0;
}

static int add_file(const char *path, struct mrp_err *err)
{
	if (n_inputs == INPUTS_MAX)
		return 0;
	strbuf_init(&inputs[n_inputs]);
	return read_file(&inputs[n_inputs++], path, FILE_MAX, err);
}

static int add_path(const char *path, struct mrp_err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return mrp_err_errno(err, "cannot read '%s'", path);
	if (!S_ISDIR(st.st_mode))
		return add_file(path, err);
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort), failed = 0;
	if (n < 0)
		return mrp_err_errno(err, "cannot read '%s'", path);
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.' && !failed) {
			cleanup(freep) char *file = path_join(path, names[i]->d_name);
			failed = add_file(file, err);
		}
		free(names[i]);
	}
	free(names);
	return failed;
}

/* Pieces that parsers care about. */
static const char *const pieces[] = { "{", "}", "[", "]", "\"", "'", ":", ": ", ",", "\n", "\n  ", "\t", "- ", "&a ", "*a", "<<: ",
	"!env ", "!!str ", "|", ">-", "---\n", "...\n", "%YAML 1.2\n", "# ", "null", "true", "~", "0", "-1", "1e308", "0x7f",
	"9223372036854775807", "18446744073709551616", "\\u0000", "\\ud800", "\xff", "\xc3\xa9", "\xed\xa0\x80", "${", "}", "$${",
	"30s", "5m", "64KiB", "\"slug\"", "\"command\"", "\"labels\"", "\"variables\"" };

static void mutate_once(struct strbuf *text)
{
	size_t at = random_below(text->len + 1), len = random_below(MIN((size_t)16, text->len - at + 1));
	const struct strbuf *other = &inputs[random_below(n_inputs)];
	struct strbuf result = STRBUF_INIT;

	strbuf_add(&result, text->buf, at);
	switch (random_below(6)) {
	case 0: /* remove */
		break;
	case 1: /* repeat */
		for (size_t i = random_below(40) + 2; i; i--)
			strbuf_add(&result, text->buf + at, len);
		break;
	case 2: /* a byte */
		strbuf_addch(&result, (char)random_number());
		break;
	case 3: /* a part of another input */
		if (other->len) {
			size_t from = random_below(other->len);
			strbuf_add(&result, other->buf + from, random_below(MIN((size_t)200, other->len - from)) + 1);
		}
		break;
	default:
		strbuf_addstr(&result, pieces[random_below(ARRAY_SIZE(pieces))]);
	}
	strbuf_add(&result, text->buf + at + len, text->len - at - len);
	if (result.len > CHANGED_MAX)
		strbuf_setlen(&result, CHANGED_MAX);
	strbuf_release(text);
	*text = result;
}

static struct strbuf current = STRBUF_INIT;

static void save_current(void)
{
	struct mrp_err err = MRP_ERR_INIT;

	if (replace_file("crash-input", current.buf, current.len, 0644, &err) < 0)
		mrp_err_clear(&err);
}

/* From a block of exactly that size, so that a sanitizer sees each byte read beyond it. */
static void run_current(void)
{
	uint8_t *copy = xmalloc(current.len);

	memcpy(copy, current.buf, current.len);
	alarm(SLOW_SECONDS);
	LLVMFuzzerTestOneInput(copy, current.len);
	alarm(0);
	free(copy);
}

/* In the middle of whatever a target does, which is why all that follows is the end. */
NORETURN static void too_slow(int signal)
{
	(void)signal;
	fprintf(stderr, "an input of %zu bytes takes over %d seconds; it is in crash-input\n", current.len, (int)SLOW_SECONDS);
	save_current();
	_exit(1);
}

static void set_current(const struct strbuf *input, size_t len)
{
	strbuf_reset(&current);
	strbuf_add(&current, input->buf, len);
}

static int64_t environment_number(const char *name, int64_t absent)
{
	cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
	const char *text = getenv(name);
	int64_t n;

	return text && parse_int(&n, text, 0, INT64_MAX, &err) == 0 ? n : absent;
}

/* Sanitizers and BUG() end here: leave what did it. */
void __asan_on_error(void);
void __asan_on_error(void)
{
	save_current();
}

int main(int argc, char **argv)
{
	struct mrp_err err = MRP_ERR_INIT;

	for (int i = 1; i < argc; i++) {
		if (add_path(argv[i], &err) < 0) {
			fprintf(stderr, "%s\n", err.msg);
			mrp_err_clear(&err);
			return 1;
		}
	}
	if (!n_inputs) {
		fprintf(stderr, "no inputs\n");
		return 1;
	}
	signal(SIGALRM, too_slow);
	for (size_t i = 0; i < n_inputs; i++) {
		set_current(&inputs[i], inputs[i].len);
		run_current();
		for (size_t cut = 1; cut < CUTS && inputs[i].len > CUTS; cut++) {
			set_current(&inputs[i], inputs[i].len * cut / CUTS);
			run_current();
		}
	}
	int64_t seconds = environment_number("FUZZ_SECONDS", 0);
	int64_t runs = environment_number("FUZZ_RUNS", seconds ? INT64_MAX : 2000), done = 0;
	time_t end = time(NULL) + seconds;
	random_state = (uint64_t)environment_number("FUZZ_SEED", seconds ? (int64_t)time(NULL) : 1);
	fprintf(stderr, "%zu inputs, seed %" PRIu64 "\n", n_inputs, random_state);
	for (; done < runs && (!seconds || time(NULL) < end); done++) {
		const struct strbuf *input = &inputs[random_below(n_inputs)];

		set_current(input, MIN(input->len, (size_t)CHANGED_MAX));
		for (size_t i = random_below(5) + 1; i; i--)
			mutate_once(&current);
		run_current();
	}
	fprintf(stderr, "%" PRId64 " changed inputs\n", done);
	for (size_t i = 0; i < n_inputs; i++)
		strbuf_release(&inputs[i]);
	strbuf_release(&current);
	return 0;
}
