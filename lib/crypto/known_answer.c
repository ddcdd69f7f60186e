/*
 * Known answers: ECDSA of RFC 6979 (A.2.5 and A.2.6, "sample"), RSA of
 * Wycheproof ("Test", both ways), PBKDF2 and scrypt of RFC 7914 (11 and 12),
 * and Argon2id as its reference implementation computes it: what RFC 9106 has
 * takes a secret that libsodium does not.
 *
 * RULES    1. A verifier must refuse, too.  What opens need not: behind each
 *             key that RSA opens is a tag.
 *          2. No process pays more than five milliseconds for what it uses.
 */
#include "crypto/known_answer.h"

#include <stdatomic.h>
#include <string.h>

#include <sodium.h>

#include "crypto/key_evp.h"
#include "crypto/late_crypto.h"
#include "crypto/rsa_oaep.h"

/* Keys and signatures as SSH has them (crypto/ssh_key.h); OAEP's is PKCS#8. */

static const char p256_key[] =
    "0000001365636473612d736861322d6e69737470323536000000086e69737470"
    "323536000000410460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6c"
    "e669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f51"
    "77a3c294d4462299";

static const char p256_signature[] =
    "0000001365636473612d736861322d6e697374703235360000004a0000002100"
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "0000002100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab"
    "2f843acda8";

static const char p384_key[] =
    "0000001365636473612d736861322d6e69737470333834000000086e69737470"
    "3338340000006104ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e"
    "06aae5286b300c64def8f0ea9055866064a254515480bc138015d9b72d7d5724"
    "4ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe"
    "7344fd2533264720";

static const char p384_signature[] =
    "0000001365636473612d736861322d6e697374703338340000006a0000003100"
    "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c"
    "81a648152e44acf96e36dd1e80fabe46000000310099ef4aeb15f178cea1fe40"
    "db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c7"
    "1a38628ac8";

static const char rsa_key[] =
    "000000077373682d727361000000030100010000010100a2b451a07d0aa5f96e"
    "455671513550514a8a5b462ebef717094fa1fee82224e637f9746d3f7cafd318"
    "78d80325b6ef5a1700f65903b469429e89d6eac8845097b5ab393189db92512e"
    "d8a7711a1253facd20f79c15e8247f3d3e42e46e48c98e254a2fe9765313a03e"
    "ff8f17e1a029397a1fa26a8dce26f490ed81299615d9814c22da610428e09c7d"
    "9658594266f5c021d0fceca08d945a12be82de4d1ece6b4c03145b5d3495d4ed"
    "5411eb878daf05fd7afc3e09ada0f1126422f590975a1969816f48698bcbba1b"
    "4d9cae79d460d8f9f85e7975005d9bc22c4e5ac0f7c1a45d12569a62807d3b9a"
    "02e5a530e773066f453d1f5b4c2e9cf7820283f742b9d5";

static const char rsa_signature[] =
    "0000000c7273612d736861322d32353600000100264491e844c119f14e425c03"
    "282139a558dcdaeb82a4628173cd407fd319f9076eaebc0dd87a1c22e4d17839"
    "096886d58a9d5b7f7aeb63efec56c45ac7bead4203b6886e1faa90e028ec0ae0"
    "94d46bf3f97efdd19045cfbc25a1abda2432639f9876405c0d68f8edbf047c12"
    "a454f7681d5d5a2b54bd3723d193dbad4338baad753264006e2d08931c4b8bb7"
    "9aa1c9cad10eb6605f87c5831f6e2b08e002f9c6f21141f5841d92727dd3e1d9"
    "9c36bc560da3c9067df99fcaf818941f72588be33032bad22caf6704223bb114"
    "d575b6d02d9d222b580005d930e8f40cce9f672eebb634a20177d84351627964"
    "b83f2053d736a84ab1a005f63bd5ba943de6205c";

static const char oaep_key[] =
    "308204bd020100300d06092a864886f70d0101010500048204a7308204a30201"
    "000282010100a2b451a07d0aa5f96e455671513550514a8a5b462ebef717094f"
    "a1fee82224e637f9746d3f7cafd31878d80325b6ef5a1700f65903b469429e89"
    "d6eac8845097b5ab393189db92512ed8a7711a1253facd20f79c15e8247f3d3e"
    "42e46e48c98e254a2fe9765313a03eff8f17e1a029397a1fa26a8dce26f490ed"
    "81299615d9814c22da610428e09c7d9658594266f5c021d0fceca08d945a12be"
    "82de4d1ece6b4c03145b5d3495d4ed5411eb878daf05fd7afc3e09ada0f11264"
    "22f590975a1969816f48698bcbba1b4d9cae79d460d8f9f85e7975005d9bc22c"
    "4e5ac0f7c1a45d12569a62807d3b9a02e5a530e773066f453d1f5b4c2e9cf782"
    "0283f742b9d502030100010282010024cdc62317f5d72a6f6ba6cc9632899b01"
    "d1ff28867d72f61688995bc855a4e420a8405250089bdb13cf8e09543827b748"
    "b9d27fbb2b4d9e20af8c5a6a862796d1a4cc18ad16ea678bc1bd4a83bbbe9c5e"
    "57453b5ce7388e41a3ba4ce2b77b4438a229e954f720dae0353dc088ac8a76b2"
    "6dc276f8e1b7851ddd6398ad16ff2e78195123b9b036e945c38c9d12434f6df7"
    "6fe22359eb3e1ac9c011678fc926fad3ae475a4fffff55feb2d147e9c894f4c0"
    "e29a599e762462482d968bf42780945fc0d2c31c573c4431b8f4fe8b8c67bec8"
    "15abd44f7a86edca1c2308737358d2c2ae5e2e0e2dadf730980262377e58b13b"
    "7d9992060a0bc870ccfdb4a9319ee102818100dc431050f782e894fb5248247d"
    "98cb7d58b8d1e24f3b55d041c56e4de086b0d5bb028bda42eeb5d234d5681e58"
    "09d415e6a289ad4cfbf78f978f6c35814f50eebff1c5b80a69f788e81e6bab5d"
    "daa78369d659d143ec6f17e79813a575cfad9c569156b90113e2e9110ad9e7b4"
    "8a1c9348a6e653321191290ea36cfb3a5b18f102818100bd1a81e7977f989812"
    "2273ae3222b598ea5fb19eb4eabc38308a5e32196603b2e500ffb79f5b886816"
    "611debc472fac45544070beb057c941378a6868af3b7a03d3f9880ec47d5e089"
    "b94fbde542aba9ae8d72c57088d7abf5b131f39098f7bc160f90536abc9492fd"
    "4e06f3ed7299d4b97bb03677207d95669f140cfbc20f2502818100a94b528b28"
    "f291599121d91952ffd1c7f21d7c1479d99d478885fb161870ee1218bf084726"
    "12dbe5497e8d9c650688e09c786961ae3e2c354dc48ae34514759c4c23c45884"
    "88961dc06b414e61c0e1e7fbbd2923d31532fe289f96da220711e58c14019808"
    "e00414276933bb07e4efb9b4a9b37656917205209f33f09515d7c10281803af0"
    "e72a933aef09ff2503df78bafed531c02ff1a2bc437c540cdcbd4ad35435cf51"
    "1763596543480629b114ca7f780ff7efa32ea0cb6e000d6d9ea1f2ef71fd9cf9"
    "948422a165557e37e755edfe70d90b920502eb478bc98a63f788ce3a0f856d6e"
    "de7251a383bfa8fa480a81a925af7b3cc538c4bab8c9f7597ffb68011d8d0281"
    "802640fbfbcfefb163ee7a87b6483a66ee41f956d90fa8a7939bfc042ee0924b"
    "1b7993d0445f758d51933e85179c0320b0c968b48a91c38b5be923e1097c0c56"
    "2f88d42294b6a2759bafa5428a74f1270874e45f6fcc60f21602de5eccd143cf"
    "31241f5921b5ad3983fb54ef17be3b285367e50c999c67247b552fe4bfce945f"
    "7b";

static const char oaep_sealed[] =
    "5eab3f0741e63986ed647d53e1cd71df041986900803d0f99c68355d249a15a4"
    "7dc5b4f70a191477654299e5a2731f3b4eec76dea18262fc696ac794e5f66cbf"
    "cddac4472c578e246c26707598055584540b839836b1404c5611ae558a984cee"
    "8fd036cea924e0be2474a940f61e0acc14fcae95ebdc59942a9ce9af9a9c8199"
    "9f7f6815f057ffdc2533cb15d6391d1e2d95f16f9c04209c889a4c359c7d2926"
    "d28a66e2b030a416b928d2825627998e5191fb4983a6e65024262d94fc09187a"
    "2d78162122433251d1bfcc8e507d06eba2d229c10031261da32ab8ccd15f1c5f"
    "9fbf07ed158483d736a110af4b44d6a4da60d6cb519b4454213cf9f0dc560f2b";

static const char argon2id_hash[] =
    "cab746b4621993fdc91ec50787980b414a90a692f0bc68dfe19f9c25b3cba9ec";

static const char pbkdf2_hash[] =
    "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
    "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783";

static const char scrypt_hash[] =
    "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
    "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906";

#define NUMBER_BYTES_MAX 1280

static struct bytes
from_hex(uint8_t raw[static NUMBER_BYTES_MAX], const char *hex)
{
	size_t len = 0;

	AG_ASSERT(sodium_hex2bin(raw, NUMBER_BYTES_MAX, hex, strlen(hex), NULL,
		      &len, NULL) == 0);
	return bytes_of(raw, len);
}

static bool
is_hash(const uint8_t *made, size_t len, const char *hex)
{
	uint8_t raw[NUMBER_BYTES_MAX];

	return bytes_equal(bytes_of(made, len), from_hex(raw, hex));
}

static bool
is_signature_right(const char *key_hex, const char *signature_hex,
    const char *message)
{
	uint8_t key_raw[NUMBER_BYTES_MAX], raw[NUMBER_BYTES_MAX];
	struct bytes signature = from_hex(raw, signature_hex);
	struct ssh_key key;

	if (ssh_key_parse_blob(&key, from_hex(key_raw, key_hex), NULL) !=
		AG_OK ||
	    ssh_key_verify(&key, bytes_from_text(message), signature, NULL) !=
		AG_OK)
		return false;
	raw[signature.len - 1] ^= 1;
	return ssh_key_verify(&key, bytes_from_text(message), signature,
		   NULL) == AG_EFORGED;
}

static bool
is_ecdsa_p256_right(void)
{
	return is_signature_right(p256_key, p256_signature, "sample");
}

static bool
is_ecdsa_p384_right(void)
{
	return is_signature_right(p384_key, p384_signature, "sample");
}

static bool
is_rsa_right(void)
{
	return is_signature_right(rsa_key, rsa_signature, "Test");
}

static bool
is_rsa_oaep_right(void)
{
	uint8_t key_raw[NUMBER_BYTES_MAX], raw[NUMBER_BYTES_MAX];
	struct bytes sealed = from_hex(raw, oaep_sealed);
	struct secret *plain = NULL;
	EVP_PKEY *pkey;
	bool is_right;

	if (key_evp_from_der(&pkey, from_hex(key_raw, oaep_key), NULL) != AG_OK)
		return false;
	is_right = rsa_oaep_decrypt(&plain, pkey, "", sealed, NULL) == AG_OK &&
	    bytes_equal(secret_bytes(plain), bytes_from_text("Test"));
	secret_free(plain);
	EVP_PKEY_free(pkey);
	return is_right;
}

/* The least that tells: 256 KiB, twice over. */
static bool
is_argon2id_right(void)
{
	uint8_t made[32];

	return crypto_pwhash(made, sizeof(made), "password", 8,
		   (const uint8_t *)"somesaltsomesalt", 2, 256 << 10,
		   crypto_pwhash_ALG_ARGON2ID13) == 0 &&
	    is_hash(made, sizeof(made), argon2id_hash);
}

static bool
is_scrypt_right(void)
{
	uint8_t made[64];

	return crypto_pwhash_scryptsalsa208sha256_ll((const uint8_t *)"", 0,
		   (const uint8_t *)"", 0, 16, 1, 1, made, sizeof(made)) == 0 &&
	    is_hash(made, sizeof(made), scrypt_hash);
}

static bool
is_pbkdf2_right(void)
{
	uint8_t made[64];

	return PKCS5_PBKDF2_HMAC("passwd", 6, (const uint8_t *)"salt", 4, 1,
		   EVP_sha256(), sizeof(made), made) == 1 &&
	    is_hash(made, sizeof(made), pbkdf2_hash);
}

static const struct {
	const char *name;
	bool is_late; /* of libcrypto */
	bool (*is_right)(void);
} answers[KNOWN_ANSWER_COUNT] = {
	[KNOWN_ANSWER_ECDSA_P256] = { "ECDSA P-256", true,
	    is_ecdsa_p256_right },
	[KNOWN_ANSWER_ECDSA_P384] = { "ECDSA P-384", true,
	    is_ecdsa_p384_right },
	[KNOWN_ANSWER_RSA] = { "RSA", true, is_rsa_right },
	[KNOWN_ANSWER_RSA_OAEP] = { "RSA-OAEP", true, is_rsa_oaep_right },
	[KNOWN_ANSWER_ARGON2ID] = { "Argon2id", false, is_argon2id_right },
	[KNOWN_ANSWER_SCRYPT] = { "scrypt", false, is_scrypt_right },
	[KNOWN_ANSWER_PBKDF2] = { "PBKDF2", true, is_pbkdf2_right },
};

enum ag_status
known_answer_compute(enum known_answer what, struct ag_error *err)
{
	enum ag_status status =
	    answers[what].is_late ? late_crypto_load(err) : AG_OK;

	if (status != AG_OK || answers[what].is_right())
		return status;
	return ag_fail(err, AG_EINTERNAL,
	    "%s computes %s wrong on this machine: nothing was done with any "
	    "key",
	    answers[what].is_late ? "libcrypto" : "libsodium",
	    answers[what].name);
}

enum ag_status
known_answer_check(enum known_answer what, struct ag_error *err)
{
	static atomic_bool is_known[KNOWN_ANSWER_COUNT];
	enum ag_status status = AG_OK;

	if (!atomic_load(&is_known[what]))
		status = known_answer_compute(what, err);
	if (status == AG_OK)
		atomic_store(&is_known[what], true);
	return status;
}

enum ag_status
known_answer_check_signature(enum ssh_key_type type, struct ag_error *err)
{
	switch (type) {
	case SSH_KEY_ECDSA_P256:
		return known_answer_check(KNOWN_ANSWER_ECDSA_P256, err);
	case SSH_KEY_ECDSA_P384:
		return known_answer_check(KNOWN_ANSWER_ECDSA_P384, err);
	case SSH_KEY_RSA:
		return known_answer_check(KNOWN_ANSWER_RSA, err);
	case SSH_KEY_ED25519:
	default:
		return AG_OK;
	}
}
