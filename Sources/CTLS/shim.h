// TLS for a client, over libssl. What OpenSSL makes of macros is a function here, because Swift cannot call macros.
#ifndef ACESO_CTLS_H
#define ACESO_CTLS_H

#include <openssl/ssl.h>

static inline SSL_CTX *aceso_tls_client_context(void) {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  if (context == NULL) return NULL;
  if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 || SSL_CTX_set_default_verify_paths(context) != 1) {
    SSL_CTX_free(context);
    return NULL;
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  return context;
}

// A connection that checks the certificate's name: SNI, and the name to verify.
static inline SSL *aceso_tls_connection(SSL_CTX *context, int descriptor, const char *host) {
  SSL *ssl = SSL_new(context);
  if (ssl == NULL) return NULL;
  if (SSL_set_tlsext_host_name(ssl, host) != 1 || SSL_set1_host(ssl, host) != 1 || SSL_set_fd(ssl, descriptor) != 1) {
    SSL_free(ssl);
    return NULL;
  }
  return ssl;
}

#endif
