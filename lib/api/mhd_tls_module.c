/* SPDX-License-Identifier: Apache-2.0 */
#include "mhd_tls.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

#include "../base/file.h"
#include "../base/log.h"

enum { PEM_MAX = 1 << 20, KEY_ID_MAX = 64 };

const char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:"
			      "-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:%SERVER_PRECEDENCE";

/* What the files hold. */
struct identity {
	gnutls_x509_crt_t *chain;
	unsigned n;
	gnutls_x509_privkey_t key;
};

struct tls {
	char *cert_path, *key_path;
	struct server_stats *stats;
	struct identity identity;
};

/* Guards `current` and what it points to: handshakes copy from it, a reload replaces it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tls *current;

static void identity_release(struct identity *identity)
{
	for (unsigned i = 0; i < identity->n; i++)
		gnutls_x509_crt_deinit(identity->chain[i]);
	gnutls_free(identity->chain);
	if (identity->key)
		gnutls_x509_privkey_deinit(identity->key);
	*identity = (struct identity){ NULL, 0, NULL };
}

static int fail(struct mrp_err *err, const char *what, const char *path, int code)
{
	const char *why = gnutls_strerror(code);

	return mrp_err_set(err, MRP_EFAILED, "%s '%s' is not usable: %.*s", what, path,
		(int)(strlen(why) - ends_with(why, ".")), why);
}

static int load_chain(struct identity *out, const char *path, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf pem = STRBUF_INIT;

	if (read_file(&pem, path, PEM_MAX, err) < 0)
		return mrp_err_wrap(err, "TLS certificate");
	const gnutls_datum_t data = { (unsigned char *)pem.buf, (unsigned)pem.len };
	int r = gnutls_x509_crt_list_import2(
		&out->chain, &out->n, &data, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_SORT);
	if (r < 0) {
		out->n = 0;
		return fail(err, "TLS certificate", path, r);
	}
	return 0;
}

static void release_secret(struct strbuf *text)
{
	explicit_bzero(text->buf, text->len);
	strbuf_release(text);
}

static int load_key(struct identity *out, const char *path, struct mrp_err *err)
{
	cleanup(release_secret) struct strbuf pem = STRBUF_INIT;
	struct stat st;

	if (read_file(&pem, path, PEM_MAX, err) < 0)
		return mrp_err_wrap(err, "TLS key");
	if (stat(path, &st) == 0 && st.st_mode & 07)
		log_warning("everybody may read the TLS key '%s' (mode %03o); 'chmod o= %s'", path,
			(unsigned)(st.st_mode & 0777), path);
	const gnutls_datum_t data = { (unsigned char *)pem.buf, (unsigned)pem.len };
	int r = gnutls_x509_privkey_init(&out->key);
	if (r >= 0)
		r = gnutls_x509_privkey_import2(out->key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
	return r < 0 ? fail(err, "TLS key", path, r) : 0;
}

static bool belong_together(const struct identity *identity)
{
	unsigned char of_cert[KEY_ID_MAX], of_key[KEY_ID_MAX];
	size_t cert_len = sizeof(of_cert), key_len = sizeof(of_key);

	return gnutls_x509_crt_get_key_id(identity->chain[0], GNUTLS_KEYID_USE_SHA256, of_cert, &cert_len) >= 0 &&
		gnutls_x509_privkey_get_key_id(identity->key, GNUTLS_KEYID_USE_SHA256, of_key, &key_len) >= 0 &&
		cert_len == key_len && memcmp(of_cert, of_key, key_len) == 0;
}

static void warn_about_time(const struct identity *identity, const char *path)
{
	time_t now = time(NULL);

	if (gnutls_x509_crt_get_expiration_time(identity->chain[0]) < now)
		log_warning("the TLS certificate '%s' has expired: clients will refuse it", path);
	else if (gnutls_x509_crt_get_activation_time(identity->chain[0]) > now)
		log_warning("the TLS certificate '%s' is not valid yet: clients will refuse it", path);
}

static int load(struct identity *out, const struct tls *tls, struct mrp_err *err)
{
	if (load_chain(out, tls->cert_path, err) < 0 || load_key(out, tls->key_path, err) < 0)
		return -1;
	if (!belong_together(out))
		return mrp_err_set(err, MRP_EFAILED, "TLS key '%s' does not belong to the certificate '%s'",
			tls->key_path, tls->cert_path);
	warn_about_time(out, tls->cert_path);
	return 0;
}

int tls_reload(struct tls *tls, struct mrp_err *err)
{
	struct identity fresh = { NULL, 0, NULL };

	if (load(&fresh, tls, err) < 0) {
		identity_release(&fresh);
		return -1;
	}
	atomic_store(&tls->stats->tls_expires_at, (long)gnutls_x509_crt_get_expiration_time(fresh.chain[0]));
	pthread_mutex_lock(&lock);
	struct identity old = tls->identity;
	tls->identity = fresh;
	pthread_mutex_unlock(&lock);
	identity_release(&old);
	return 0;
}

struct tls *tls_new(const char *cert_path, const char *key_path, struct server_stats *stats, struct mrp_err *err)
{
	struct tls *tls = xcalloc(1, sizeof(*tls));

	tls->cert_path = xstrdup(cert_path);
	tls->key_path = xstrdup(key_path);
	tls->stats = stats;
	if (tls_reload(tls, err) < 0) {
		tls_free(tls);
		return NULL;
	}
	pthread_mutex_lock(&lock);
	if (current)
		BUG("a second TLS server");
	current = tls;
	pthread_mutex_unlock(&lock);
	return tls;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	pthread_mutex_lock(&lock);
	if (current == tls)
		current = NULL;
	pthread_mutex_unlock(&lock);
	identity_release(&tls->identity);
	free(tls->cert_path);
	free(tls->key_path);
	free(tls);
}

/* Copies for one handshake, which GnuTLS releases after it (GNUTLS_CERT_RETR_DEINIT_ALL): some microseconds beside the
 * signature's millisecond, and a reload need not wait for anybody. */
static int copy_identity(
	const struct identity *identity, gnutls_pcert_st **certs, unsigned *n_certs, gnutls_privkey_t *key)
{
	gnutls_pcert_st *copies = gnutls_calloc(identity->n, sizeof(*copies));
	unsigned n = 0;
	int r = copies ? gnutls_privkey_init(key) : GNUTLS_E_MEMORY_ERROR;

	if (r < 0) {
		gnutls_free(copies);
		return r;
	}
	r = gnutls_privkey_import_x509(*key, identity->key, GNUTLS_PRIVKEY_IMPORT_COPY);
	for (; r >= 0 && n < identity->n; n += r >= 0)
		r = gnutls_pcert_import_x509(&copies[n], identity->chain[n], 0);
	if (r >= 0) {
		*certs = copies;
		*n_certs = n;
		return 0;
	}
	while (n)
		gnutls_pcert_deinit(&copies[--n]);
	gnutls_free(copies);
	gnutls_privkey_deinit(*key);
	return r;
}

static int give_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info, gnutls_pcert_st **certs,
	unsigned *n_certs, gnutls_ocsp_data_st **ocsp, unsigned *n_ocsp, gnutls_privkey_t *key, unsigned *flags)
{
	int r = GNUTLS_E_INTERNAL_ERROR;

	(void)session, (void)info;
	*ocsp = NULL;
	*n_ocsp = 0;
	*flags = GNUTLS_CERT_RETR_DEINIT_ALL;
	pthread_mutex_lock(&lock);
	if (current)
		r = copy_identity(&current->identity, certs, n_certs, key);
	pthread_mutex_unlock(&lock);
	return r < 0 ? -1 : 0;
}

void *tls_callback(void)
{
	return (void *)(uintptr_t)give_certificate;
}
