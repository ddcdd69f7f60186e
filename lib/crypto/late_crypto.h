/*
 * OpenSSL's libcrypto, its functions through slots (base/late.h).
 *
 * It has locked memory of its own for the numbers of private keys, and wipes
 * what it frees.
 *
 * Threads    any.
 */
#ifndef AEGIS_CRYPTO_LATE_CRYPTO_H
#define AEGIS_CRYPTO_LATE_CRYPTO_H

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "base/late.h"

#define LATE_CRYPTO(X)                      \
	X(BN_CTX_free)                      \
	X(BN_CTX_secure_new)                \
	X(BN_bin2bn)                        \
	X(BN_bn2binpad)                     \
	X(BN_clear_free)                    \
	X(BN_div)                           \
	X(BN_free)                          \
	X(BN_is_zero)                       \
	X(BN_num_bits)                      \
	X(BN_secure_new)                    \
	X(BN_set_flags)                     \
	X(BN_sub)                           \
	X(BN_value_one)                     \
	X(CRYPTO_free)                      \
	X(CRYPTO_secure_malloc_init)        \
	X(CRYPTO_set_mem_functions)         \
	X(ECDSA_SIG_free)                   \
	X(ECDSA_SIG_get0_r)                 \
	X(ECDSA_SIG_get0_s)                 \
	X(ECDSA_SIG_new)                    \
	X(ECDSA_SIG_set0)                   \
	X(EVP_CIPHER_CTX_ctrl)              \
	X(EVP_CIPHER_CTX_free)              \
	X(EVP_CIPHER_CTX_new)               \
	X(EVP_CIPHER_CTX_set_padding)       \
	X(EVP_CipherFinal_ex)               \
	X(EVP_CipherInit_ex)                \
	X(EVP_CipherUpdate)                 \
	X(EVP_DigestFinal_ex)               \
	X(EVP_DigestInit_ex)                \
	X(EVP_DigestSign)                   \
	X(EVP_DigestSignInit)               \
	X(EVP_DigestUpdate)                 \
	X(EVP_DigestVerify)                 \
	X(EVP_DigestVerifyInit)             \
	X(EVP_MD_CTX_free)                  \
	X(EVP_MD_CTX_new)                   \
	X(EVP_MD_get0_name)                 \
	X(EVP_PKEY2PKCS8)                   \
	X(EVP_PKEY_CTX_free)                \
	X(EVP_PKEY_CTX_new_from_name)       \
	X(EVP_PKEY_CTX_new_from_pkey)       \
	X(EVP_PKEY_Q_keygen)                \
	X(EVP_PKEY_check)                   \
	X(EVP_PKEY_decrypt)                 \
	X(EVP_PKEY_decrypt_init_ex)         \
	X(EVP_PKEY_encrypt)                 \
	X(EVP_PKEY_encrypt_init_ex)         \
	X(EVP_PKEY_free)                    \
	X(EVP_PKEY_fromdata)                \
	X(EVP_PKEY_fromdata_init)           \
	X(EVP_PKEY_get_bn_param)            \
	X(EVP_PKEY_get_utf8_string_param)   \
	X(EVP_PKEY_is_a)                    \
	X(EVP_aes_128_cbc)                  \
	X(EVP_aes_128_ctr)                  \
	X(EVP_aes_192_cbc)                  \
	X(EVP_aes_256_cbc)                  \
	X(EVP_aes_256_ctr)                  \
	X(EVP_aes_256_gcm)                  \
	X(EVP_blake2b512)                   \
	X(EVP_chacha20_poly1305)            \
	X(EVP_sha1)                         \
	X(EVP_sha256)                       \
	X(EVP_sha384)                       \
	X(EVP_sha3_256)                     \
	X(EVP_sha512)                       \
	X(OSSL_PARAM_BLD_free)              \
	X(OSSL_PARAM_BLD_new)               \
	X(OSSL_PARAM_BLD_push_BN)           \
	X(OSSL_PARAM_BLD_push_octet_string) \
	X(OSSL_PARAM_BLD_push_ulong)        \
	X(OSSL_PARAM_BLD_push_utf8_string)  \
	X(OSSL_PARAM_BLD_to_param)          \
	X(OSSL_PARAM_free)                  \
	X(PKCS5_PBKDF2_HMAC)                \
	X(PKCS8_PRIV_KEY_INFO_free)         \
	X(d2i_AutoPrivateKey)               \
	X(d2i_ECDSA_SIG)                    \
	X(d2i_PUBKEY)                       \
	X(i2d_ECDSA_SIG)                    \
	X(i2d_PKCS8_PRIV_KEY_INFO)          \
	X(i2d_PUBKEY)

struct late_crypto_functions {
	LATE_CRYPTO(LATE_SLOT)
};

extern struct late_crypto_functions late_crypto_call;

/* Fill the slots.  AG_ESYS: it can not be loaded; nothing may be called. */
enum ag_status late_crypto_load(struct ag_error *err) AG_MUST_USE;

#define BN_CTX_free (*late_crypto_call.BN_CTX_free)
#define BN_CTX_secure_new (*late_crypto_call.BN_CTX_secure_new)
#define BN_bin2bn (*late_crypto_call.BN_bin2bn)
#define BN_bn2binpad (*late_crypto_call.BN_bn2binpad)
#define BN_clear_free (*late_crypto_call.BN_clear_free)
#define BN_div (*late_crypto_call.BN_div)
#define BN_free (*late_crypto_call.BN_free)
#define BN_is_zero (*late_crypto_call.BN_is_zero)
#define BN_num_bits (*late_crypto_call.BN_num_bits)
#define BN_secure_new (*late_crypto_call.BN_secure_new)
#define BN_set_flags (*late_crypto_call.BN_set_flags)
#define BN_sub (*late_crypto_call.BN_sub)
#define BN_value_one (*late_crypto_call.BN_value_one)
#define CRYPTO_free (*late_crypto_call.CRYPTO_free)
#define CRYPTO_secure_malloc_init (*late_crypto_call.CRYPTO_secure_malloc_init)
#define CRYPTO_set_mem_functions (*late_crypto_call.CRYPTO_set_mem_functions)
#define ECDSA_SIG_free (*late_crypto_call.ECDSA_SIG_free)
#define ECDSA_SIG_get0_r (*late_crypto_call.ECDSA_SIG_get0_r)
#define ECDSA_SIG_get0_s (*late_crypto_call.ECDSA_SIG_get0_s)
#define ECDSA_SIG_new (*late_crypto_call.ECDSA_SIG_new)
#define ECDSA_SIG_set0 (*late_crypto_call.ECDSA_SIG_set0)
#define EVP_CIPHER_CTX_ctrl (*late_crypto_call.EVP_CIPHER_CTX_ctrl)
#define EVP_CIPHER_CTX_free (*late_crypto_call.EVP_CIPHER_CTX_free)
#define EVP_CIPHER_CTX_new (*late_crypto_call.EVP_CIPHER_CTX_new)
#define EVP_CIPHER_CTX_set_padding \
	(*late_crypto_call.EVP_CIPHER_CTX_set_padding)
#define EVP_CipherFinal_ex (*late_crypto_call.EVP_CipherFinal_ex)
#define EVP_CipherInit_ex (*late_crypto_call.EVP_CipherInit_ex)
#define EVP_CipherUpdate (*late_crypto_call.EVP_CipherUpdate)
#define EVP_DigestFinal_ex (*late_crypto_call.EVP_DigestFinal_ex)
#define EVP_DigestInit_ex (*late_crypto_call.EVP_DigestInit_ex)
#define EVP_DigestSign (*late_crypto_call.EVP_DigestSign)
#define EVP_DigestSignInit (*late_crypto_call.EVP_DigestSignInit)
#define EVP_DigestUpdate (*late_crypto_call.EVP_DigestUpdate)
#define EVP_DigestVerify (*late_crypto_call.EVP_DigestVerify)
#define EVP_DigestVerifyInit (*late_crypto_call.EVP_DigestVerifyInit)
#define EVP_MD_CTX_free (*late_crypto_call.EVP_MD_CTX_free)
#define EVP_MD_CTX_new (*late_crypto_call.EVP_MD_CTX_new)
#define EVP_MD_get0_name (*late_crypto_call.EVP_MD_get0_name)
#define EVP_PKEY2PKCS8 (*late_crypto_call.EVP_PKEY2PKCS8)
#define EVP_PKEY_CTX_free (*late_crypto_call.EVP_PKEY_CTX_free)
#define EVP_PKEY_CTX_new_from_name \
	(*late_crypto_call.EVP_PKEY_CTX_new_from_name)
#define EVP_PKEY_CTX_new_from_pkey \
	(*late_crypto_call.EVP_PKEY_CTX_new_from_pkey)
#define EVP_PKEY_Q_keygen (*late_crypto_call.EVP_PKEY_Q_keygen)
#define EVP_PKEY_check (*late_crypto_call.EVP_PKEY_check)
#define EVP_PKEY_decrypt (*late_crypto_call.EVP_PKEY_decrypt)
#define EVP_PKEY_decrypt_init_ex (*late_crypto_call.EVP_PKEY_decrypt_init_ex)
#define EVP_PKEY_encrypt (*late_crypto_call.EVP_PKEY_encrypt)
#define EVP_PKEY_encrypt_init_ex (*late_crypto_call.EVP_PKEY_encrypt_init_ex)
#define EVP_PKEY_free (*late_crypto_call.EVP_PKEY_free)
#define EVP_PKEY_fromdata (*late_crypto_call.EVP_PKEY_fromdata)
#define EVP_PKEY_fromdata_init (*late_crypto_call.EVP_PKEY_fromdata_init)
#define EVP_PKEY_get_bn_param (*late_crypto_call.EVP_PKEY_get_bn_param)
#define EVP_PKEY_get_utf8_string_param \
	(*late_crypto_call.EVP_PKEY_get_utf8_string_param)
#define EVP_PKEY_is_a (*late_crypto_call.EVP_PKEY_is_a)
#define EVP_aes_128_cbc (*late_crypto_call.EVP_aes_128_cbc)
#define EVP_aes_128_ctr (*late_crypto_call.EVP_aes_128_ctr)
#define EVP_aes_192_cbc (*late_crypto_call.EVP_aes_192_cbc)
#define EVP_aes_256_cbc (*late_crypto_call.EVP_aes_256_cbc)
#define EVP_aes_256_ctr (*late_crypto_call.EVP_aes_256_ctr)
#define EVP_aes_256_gcm (*late_crypto_call.EVP_aes_256_gcm)
#define EVP_blake2b512 (*late_crypto_call.EVP_blake2b512)
#define EVP_chacha20_poly1305 (*late_crypto_call.EVP_chacha20_poly1305)
#define EVP_sha1 (*late_crypto_call.EVP_sha1)
#define EVP_sha256 (*late_crypto_call.EVP_sha256)
#define EVP_sha384 (*late_crypto_call.EVP_sha384)
#define EVP_sha3_256 (*late_crypto_call.EVP_sha3_256)
#define EVP_sha512 (*late_crypto_call.EVP_sha512)
#define OSSL_PARAM_BLD_free (*late_crypto_call.OSSL_PARAM_BLD_free)
#define OSSL_PARAM_BLD_new (*late_crypto_call.OSSL_PARAM_BLD_new)
#define OSSL_PARAM_BLD_push_BN (*late_crypto_call.OSSL_PARAM_BLD_push_BN)
#define OSSL_PARAM_BLD_push_octet_string \
	(*late_crypto_call.OSSL_PARAM_BLD_push_octet_string)
#define OSSL_PARAM_BLD_push_ulong (*late_crypto_call.OSSL_PARAM_BLD_push_ulong)
#define OSSL_PARAM_BLD_push_utf8_string \
	(*late_crypto_call.OSSL_PARAM_BLD_push_utf8_string)
#define OSSL_PARAM_BLD_to_param (*late_crypto_call.OSSL_PARAM_BLD_to_param)
#define OSSL_PARAM_free (*late_crypto_call.OSSL_PARAM_free)
#define PKCS5_PBKDF2_HMAC (*late_crypto_call.PKCS5_PBKDF2_HMAC)
#define PKCS8_PRIV_KEY_INFO_free (*late_crypto_call.PKCS8_PRIV_KEY_INFO_free)
#define d2i_AutoPrivateKey (*late_crypto_call.d2i_AutoPrivateKey)
#define d2i_ECDSA_SIG (*late_crypto_call.d2i_ECDSA_SIG)
#define d2i_PUBKEY (*late_crypto_call.d2i_PUBKEY)
#define i2d_ECDSA_SIG (*late_crypto_call.i2d_ECDSA_SIG)
#define i2d_PKCS8_PRIV_KEY_INFO (*late_crypto_call.i2d_PKCS8_PRIV_KEY_INFO)
#define i2d_PUBKEY (*late_crypto_call.i2d_PUBKEY)

#endif
