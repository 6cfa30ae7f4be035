#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// Macros that Swift cannot read: which parts of a key EVP_PKEY_fromdata is given.
static inline int aceso_key_selection_public(void) { return EVP_PKEY_PUBLIC_KEY; }
static inline int aceso_key_selection_pair(void) { return EVP_PKEY_KEYPAIR; }
