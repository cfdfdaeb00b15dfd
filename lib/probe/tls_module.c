/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls: a full handshake (nothing is resumed) and what the certificate says. The certificates to trust are read once for
 * each file, and again when it changes: 142 of them take 30 ms.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/parse.h"
#include "cert.h"
#include "connect.h"

enum { PORT = 443, MIN_VALIDITY_MS = 7 * 86400 * 1000 };

/* What is trusted. Connections hold references to what OpenSSL made of it. */
struct trust {
	char *ca_file; /* NULL: the system's */
	bool insecure;
	struct stat stat; /* of ca_file when it was read */
	SSL_CTX *ctx;
};

VEC_DEFINE(trust_vec, struct trust)

struct tls_shared {
	struct trust_vec trusts;
};

struct tls_check {
	struct check base;
	struct connector connector;
	struct loop_io io;
	SSL *ssl;
	const char *name; /* that is asked for and verified */
	SSL_CTX *ctx;
	int64_t began_us;
};

/* --- whom to trust ------------------------------------------------------------------------------------------------ */

static int load_trust(SSL_CTX *ctx, const char *ca_file, struct mrp_err *err)
{
	if (!ca_file)
		return SSL_CTX_set_default_verify_paths(ctx)
			? 0
			: mrp_err_set(err, MRP_EINVALID, "cannot read the certificates that this system trusts");
	if (SSL_CTX_load_verify_file(ctx, ca_file))
		return 0;
	return mrp_err_set(err, MRP_EINVALID, "no certificates in '%s'", ca_file);
}

static SSL_CTX *new_ctx(const char *ca_file, bool insecure, struct mrp_err *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (!ctx) {
		mrp_err_set(err, MRP_EFAILED, "cannot set up OpenSSL");
		return NULL;
	}
	SSL_CTX_set_verify(ctx, insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (!insecure && load_trust(ctx, ca_file, err) < 0) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
		a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Borrowed. */
static SSL_CTX *trusting(struct tls_shared *shared, const char *ca_file, bool insecure, struct mrp_err *err)
{
	struct stat now = { .st_size = 0 };
	struct trust *trust = NULL;

	if (insecure)
		ca_file = NULL;
	if (ca_file && stat(ca_file, &now) < 0) {
		mrp_err_errno(err, "cannot read '%s'", ca_file);
		return NULL;
	}
	for (size_t i = 0; i < shared->trusts.n && !trust; i++) {
		struct trust *t = &shared->trusts.v[i];

		if (t->insecure == insecure && !t->ca_file == !ca_file && (!ca_file || streq(t->ca_file, ca_file)))
			trust = t;
	}
	if (trust && same_file(&trust->stat, &now))
		return trust->ctx;
	SSL_CTX *ctx = new_ctx(ca_file, insecure, err);
	if (!ctx)
		return NULL;
	if (!trust)
		trust = trust_vec_push(&shared->trusts,
			(struct trust){ .ca_file = ca_file ? xstrdup(ca_file) : NULL, .insecure = insecure });
	SSL_CTX_free(trust->ctx);
	trust->ctx = ctx;
	trust->stat = now;
	return ctx;
}

static void *open_shared(struct loop *loop, struct mrp_err *err)
{
	(void)loop, (void)err;
	return xcalloc(1, sizeof(struct tls_shared));
}

static void close_shared(void *ctx)
{
	struct tls_shared *shared = ctx;

	for (size_t i = 0; i < shared->trusts.n; i++) {
		SSL_CTX_free(shared->trusts.v[i].ctx);
		free(shared->trusts.v[i].ca_file);
	}
	trust_vec_clear(&shared->trusts);
	free(shared);
}

/* --- the handshake ------------------------------------------------------------------------------------------------ */

static void judge(struct tls_check *tls)
{
	struct check *check = &tls->base;
	int64_t handshake_us = monotonic_us() - tls->began_us;
	int64_t all_us = tls->connector.connect_us + handshake_us;
	bool insecure = option_bool(check, "insecure");
	int64_t need_ms = option_duration(check, "min_validity", insecure ? INT64_MIN : MIN_VALIDITY_MS);
	const char *need = option_text(check, "min_validity");
	struct cert_info cert;
	char peer[ADDRESS_TEXT];

	cert_read(&cert, tls->ssl);
	check_value(check, "time", "s", seconds(all_us));
	check_labeled(check, "phase", "s", "phase", "resolve", seconds(tls->connector.resolve_us));
	check_labeled(check, "phase", "s", "phase", "connect", seconds(tls->connector.connect_us));
	check_labeled(check, "phase", "s", "phase", "tls", seconds(handshake_us));
	cert_report(check, &cert);
	check_detail(check, "address: %s", address_format_port(peer, &tls->connector.peer));
	if (!cert.known)
		check_end(check, NAGIOS_CRITICAL, "the server has no certificate");
	else if (need_ms != INT64_MIN && cert.left_s < 0)
		check_end(check, NAGIOS_CRITICAL, "the certificate ended at %s", cert.ends);
	else if (need_ms != INT64_MIN && cert.left_s < need_ms / 1000)
		check_end(check, NAGIOS_CRITICAL, "the certificate is valid until %s only, less than %s", cert.ends,
			need ? need : "7d");
	else
		check_end(check, NAGIOS_OK, "%s in %.3f s, certificate valid for %lld days, until %s", cert.protocol,
			seconds(all_us), (long long)(cert.left_s / 86400), cert.ends);
}

static void handshake_failed(struct tls_check *tls, int why, int os_error)
{
	struct check *check = &tls->base;
	long verdict = SSL_get_verify_result(tls->ssl);
	unsigned long code = ERR_peek_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	if (verdict != X509_V_OK && !option_bool(check, "insecure")) {
		const char *text = cert_verify_text(verdict);

		check_end(check, NAGIOS_CRITICAL, "TLS with '%s': %s", tls->name,
			text ? text : X509_verify_cert_error_string(verdict));
	} else if (reason && strstr(reason, "wrong version number")) {
		check_end(check, NAGIOS_CRITICAL, "what answers there does not speak TLS");
	} else if (reason && !strstr(reason, "unexpected eof")) {
		check_end(check, NAGIOS_CRITICAL, "TLS with '%s': %s", tls->name, reason);
	} else if (why == SSL_ERROR_SYSCALL && os_error) {
		check_end(check, NAGIOS_CRITICAL, "the connection broke in the handshake: %s", strerror(os_error));
	} else {
		check_end(check, NAGIOS_CRITICAL, "the connection was closed in the handshake");
	}
}

static void on_event(void *ctx, uint32_t events)
{
	struct tls_check *tls = ctx;
	struct mrp_err err = MRP_ERR_INIT;

	(void)events;
	ERR_clear_error();
	errno = 0;
	int n = SSL_connect(tls->ssl);
	int os_error = errno, why = SSL_get_error(tls->ssl, n);
	if (n == 1) {
		judge(tls);
		return;
	}
	if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
		handshake_failed(tls, why, os_error);
		return;
	}
	uint32_t want = why == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT;
	int r = tls->io.slot ? loop_io_change(tls->base.loop, &tls->io, want, &err)
			     : loop_io_add(tls->base.loop, &tls->io, tls->connector.fd, want, on_event, tls, &err);
	if (r == 0)
		return;
	check_error(&tls->base, REASON_LIMIT, "%s", err.msg);
	mrp_err_clear(&err);
}

/* Ask for the name, and verify it; an address stands in certificates, but is never asked for (RFC 6066, 3). */
static bool set_name(SSL *ssl, const char *name)
{
	union address address;
	char text[ADDRESS_TEXT];

	if (address_parse(&address, name))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address_format(text, &address));
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, name) && SSL_set_tlsext_host_name(ssl, name);
}

static void on_connected(struct connector *connector)
{
	struct tls_check *tls = (struct tls_check *)(void *)((char *)connector - offsetof(struct tls_check, connector));

	tls->base.stage = "in the TLS handshake";
	tls->began_us = monotonic_us();
	tls->ssl = SSL_new(tls->ctx);
	if (!tls->ssl || !SSL_set_fd(tls->ssl, connector->fd)) {
		check_error(&tls->base, REASON_LIMIT, "cannot set up a connection of OpenSSL");
		return;
	}
	if (!set_name(tls->ssl, tls->name)) {
		check_error(&tls->base, REASON_CONFIG, "'%s' is no name of a server", tls->name);
		return;
	}
	on_event(tls, 0);
}

static void start(struct check *check)
{
	struct tls_check *tls = (struct tls_check *)check;
	const char *server_name = option_text(check, "server_name");
	struct mrp_err err = MRP_ERR_INIT;

	tls->connector.check = check;
	tls->connector.fd = -1;
	tls->connector.host = option_text(check, "host");
	tls->connector.port = (int)option_int(check, "port", PORT);
	tls->connector.done = on_connected;
	tls->name = server_name ? server_name : tls->connector.host;
	tls->ctx = trusting(check->shared, option_text(check, "ca_cert"), option_bool(check, "insecure"), &err);
	if (!tls->ctx) {
		check_error(check, REASON_CONFIG, "%s", err.msg);
		mrp_err_clear(&err);
		return;
	}
	SSL_CTX_up_ref(tls->ctx);
	connector_start(&tls->connector);
}

static void stop(struct check *check)
{
	struct tls_check *tls = (struct tls_check *)check;

	connector_stop(&tls->connector);
	loop_io_remove(check->loop, &tls->io);
	if (tls->ssl && SSL_is_init_finished(tls->ssl))
		SSL_shutdown(tls->ssl); /* says goodbye; what the other one says to it does not matter */
	SSL_free(tls->ssl);
	SSL_CTX_free(tls->ctx);
	ERR_clear_error();
	if (tls->connector.fd >= 0)
		close(tls->connector.fd);
}

const struct check_type mrp_check_tls = {
	.name = "tls",
	.size = sizeof(struct tls_check),
	.open = open_shared,
	.close = close_shared,
	.start = start,
	.stop = stop,
};
