/* SPDX-License-Identifier: Apache-2.0 */
#include "term.h"

#include <sys/ioctl.h>
#include <unistd.h>

bool mrp_term_is_terminal(int fd)
{
	return isatty(fd);
}

size_t mrp_term_columns(int fd, size_t fallback)
{
	struct winsize size;

	if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return fallback;
	return size.ws_col;
}

bool mrp_term_use_color(int fd, enum mrp_color color)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (color != MRP_COLOR_AUTO)
		return color == MRP_COLOR_ALWAYS;
	if (no_color && *no_color)
		return false;
	return isatty(fd) && term && *term && !streq(term, "dumb");
}

const char *mrp_style(enum mrp_style style, bool color)
{
	static const char *const sequences[] = {
		[STYLE_PLAIN] = "\033[0m",
		[STYLE_BOLD] = "\033[1m",
		[STYLE_DIM] = "\033[2m",
		[STYLE_ADD] = "\033[32m",
		[STYLE_CHANGE] = "\033[33m",
		[STYLE_REMOVE] = "\033[31m",
		[STYLE_NAME] = "\033[36m",
	};

	return color ? sequences[style] : "";
}
