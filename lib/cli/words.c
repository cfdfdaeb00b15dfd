/* SPDX-License-Identifier: Apache-2.0 */
#include "words.h"

static bool is_space(char c)
{
	return c && strchr(" \t\r\n", c);
}

/* One word from *p on; *p is left behind it. */
static int split_one(struct strbuf *word, const char **p, struct mrp_err *err)
{
	char quote = '\0';

	for (; **p && (quote || !is_space(**p)); ++*p) {
		char c = **p;

		if (quote && c == quote) {
			quote = '\0';
		} else if (!quote && (c == '\'' || c == '"')) {
			quote = c;
		} else {
			if (c == '\\' && quote != '\'' && (*p)[1])
				c = *++*p;
			strbuf_addch(word, c);
		}
	}
	return quote ? mrp_err_set(err, MRP_EPARSE, "a quote (%c) is not closed", quote) : 0;
}

int mrp_split_words(struct strvec *out, const char *text, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf word = STRBUF_INIT;

	for (;;) {
		while (is_space(*text))
			text++;
		if (!*text)
			return 0;
		strbuf_reset(&word);
		if (split_one(&word, &text, err) < 0)
			return -1;
		strvec_push(out, word.buf);
	}
}
