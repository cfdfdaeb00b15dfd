/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For programs built with the address sanitizer, included by the file with main(): what libraries leak by themselves.
 *
 * libgit2 1.5 does not free what it compared a text with when an expression does not match (git_regexp_match over
 * PCRE2), as it does for each line of the configuration of a repository of format 1 (a partial clone, one with
 * extensions.worktreeConfig): 20 KB each, once for a repository that is opened.
 */
#ifndef MRP_BASE_LEAKS_H
#define MRP_BASE_LEAKS_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MRP_LOOKS_FOR_LEAKS
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define MRP_LOOKS_FOR_LEAKS
#endif

#ifdef MRP_LOOKS_FOR_LEAKS
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_options(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libpcre2-8.so\n";
}

const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}
#endif

#endif
