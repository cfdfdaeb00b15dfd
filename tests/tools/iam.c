/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks the chain of lib/cloud for tokens, for tests of it:
 *
 *	iam [--key-file FILE] [--token-url URL] [--metadata-url URL] [--times N] [--forget N] --out FILE
 *
 * Prints who answers; the last token goes to the file. `--forget N`: the token is forgotten after the Nth time.
 */
#include "../../lib/cloud/iam.h"
#include "../../lib/base/file.h"
#include "../../lib/base/parse.h"

struct wish {
	struct iam_options options;
	const char *out;
	int64_t times, forget;
};

static void set_option(struct wish *wish, const char *name, const char *value)
{
	struct mrp_err err = MRP_ERR_INIT;

	if (streq(name, "--key-file"))
		wish->options.key_file = value;
	else if (streq(name, "--token-url"))
		wish->options.token_url = value;
	else if (streq(name, "--metadata-url"))
		wish->options.metadata_url = value;
	else if (streq(name, "--out"))
		wish->out = value;
	else if (parse_int(streq(name, "--times") ? &wish->times : &wish->forget, value, 0, 1000000, &err) < 0)
		abort();
}

static int ask(const struct wish *wish, struct mrp_err *err)
{
	cleanup(iam_closep) struct iam *iam = iam_open(&wish->options, err);

	if (!iam)
		return -1;
	printf("%s\n", iam_description(iam));
	for (int64_t i = 1; i <= wish->times; i++) {
		const char *token = iam_token(iam, err);

		if (!token || replace_file(wish->out, token, strlen(token), 0600, err) < 0)
			return -1;
		if (i == wish->forget)
			iam_forget(iam);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct wish wish = { .times = 1 };
	struct mrp_err err = MRP_ERR_INIT;

	for (int i = 1; i + 1 < argc; i += 2)
		set_option(&wish, argv[i], argv[i + 1]);
	if (ask(&wish, &err) == 0)
		return 0;
	fprintf(stderr, "iam: %s\n", err.msg);
	int code = mrp_err_exit_code(err.code);
	mrp_err_clear(&err);
	return code;
}
