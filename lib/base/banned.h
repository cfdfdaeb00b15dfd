/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that cannot be used safely become compile errors. Included by base.h, after the libc headers. */
#ifndef MRP_BASE_BANNED_H
#define MRP_BASE_BANNED_H

#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf
#undef strtok
#undef gets
#undef atoi
#undef atol
#undef atof
#define strcpy(...) use_strbuf_instead_of_strcpy
#define strcat(...) use_strbuf_instead_of_strcat
#define strncpy(...) use_strbuf_instead_of_strncpy
#define strncat(...) use_strbuf_instead_of_strncat
#define sprintf(...) use_strbuf_addf_instead_of_sprintf
#define vsprintf(...) use_strbuf_vaddf_instead_of_vsprintf
#define strtok(...) use_strcspn_instead_of_strtok
#define gets(...) use_getline_instead_of_gets
#define atoi(...) use_parse_int_instead_of_atoi
#define atol(...) use_parse_int_instead_of_atol
#define atof(...) use_parse_number_instead_of_atof

#endif
