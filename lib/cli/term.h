/* SPDX-License-Identifier: Apache-2.0 */
/* What the terminal can do: is it one, how wide, whether to use colour, and the few styles that are used. */
#ifndef MRP_CLI_TERM_H
#define MRP_CLI_TERM_H

#include "../base/strbuf.h"

#define MRP_COLOR_WORDS "auto|always|never"
enum mrp_color { MRP_COLOR_AUTO, MRP_COLOR_ALWAYS, MRP_COLOR_NEVER };

enum mrp_style {
	STYLE_PLAIN,
	STYLE_BOLD,   /* headings */
	STYLE_DIM,    /* less important */
	STYLE_ADD,    /* created, good: green */
	STYLE_CHANGE, /* updated, warnings: yellow */
	STYLE_REMOVE, /* deleted, bad: red */
	STYLE_NAME,   /* what a line is about: cyan */
};

bool mrp_term_is_terminal(int fd);
/* Columns of the terminal at fd; `fallback` when it is none or does not say. $COLUMNS is not looked at. */
size_t mrp_term_columns(int fd, size_t fallback);
/* auto: a terminal that is not dumb, and NO_COLOR is not set (or empty). */
bool mrp_term_use_color(int fd, enum mrp_color color);

/* The escape sequence that starts a style, "" when !color. STYLE_PLAIN ends all. */
const char *mrp_style(enum mrp_style style, bool color);

#endif
