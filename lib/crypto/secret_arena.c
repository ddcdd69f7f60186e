/*
 * The arena of secrets.
 *
 * A mapping for each secret, as sodium_malloc() makes one, costs 26 us and
 * three pages.  Secrets are small and short-lived, so they share one mapping
 * that is made once: a secret takes a fraction of a microsecond.
 *
 * FORMAT   no access | a region for each size of slot | no access
 *          A region is an array of slots of one size, the next one's twice
 *          as long.  What does not fit the largest has a mapping of its own:
 *          no access | one slot, which ends at the | no access
 *          A slot is  canary (16) | the secret | canary (16) | unused
 *
 * RULES    1. Which slots are free is written down outside of the arena,
 *             where what runs over a secret's end does not reach.
 *          2. Canaries are random, and compared when a secret is given back:
 *             a difference is our mistake, and ends the process.  They may
 *             be zeros in a child, if the secret was the parent's.
 *          3. Memory that may not be locked is used all the same, since a
 *             key that nobody can use helps nobody; it is remembered, and
 *             told by who can tell it.
 *          4. secret_arena_wipe() takes no lock: the thread that died may
 *             have had it.
 */
#include "crypto/secret_arena.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sodium.h>

#include "base/status.h"

#if defined(__SANITIZE_ADDRESS__)
#define POISONS 1
#elif defined(__has_feature)
#define POISONS __has_feature(address_sanitizer)
#else
#define POISONS 0
#endif
#if POISONS
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(data, len) ((void)(data), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(data, len) ((void)(data), (void)(len))
#endif

#define CANARY_BYTES 16
#define EDGES_BYTES ((size_t)2 * CANARY_BYTES)

#define CLASSES 7
#define SLOT_BYTES_MIN ((size_t)64)
#define REGION_BYTES ((size_t)64 << 10)
#define ARENA_BYTES (CLASSES * REGION_BYTES)
#define WORD_BITS ((size_t)64)
#define WORDS (REGION_BYTES / SLOT_BYTES_MIN / WORD_BITS)

/* A mapping of its own; the data stands where secret_arena_wipe() looks. */
struct large {
	_Atomic(uint8_t *) slot; /* NULL: none */
	size_t slot_len;
	uint8_t *base;
	size_t base_len;
};

static struct {
	pthread_mutex_t lock;
	_Atomic(uint8_t *) slots; /* NULL before the first secret */
	uint64_t free[CLASSES][WORDS];
	struct large large[SECRET_ARENA_LARGE_MAX];
	size_t large_bytes;
	uint8_t canary[CANARY_BYTES];
	atomic_bool is_emptied; /* by a fork, or for the end */
	atomic_bool is_wiped;   /* for the end */
	atomic_bool is_refused; /* to lock some of it */
} arena = { .lock = PTHREAD_MUTEX_INITIALIZER };

static size_t
slot_bytes(size_t class)
{
	return SLOT_BYTES_MIN << class;
}

static size_t
whole_pages(size_t len, size_t page)
{
	return (len + page - 1) / page * page;
}

static void
protect(void *data, size_t len)
{
	/* Pages are locked as they are touched: most never are. */
	if (mlock2(data, len, MLOCK_ONFAULT) == -1)
		atomic_store(&arena.is_refused, true);
}

/*
 * Pages of no access around len bytes, which are whole pages; NULL when
 * memory is refused.
 */
static uint8_t *
map(size_t len, size_t page)
{
	uint8_t *base = mmap(NULL, len + 2 * page, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED)
		return NULL;
	if (mprotect(base + page, len, PROT_READ | PROT_WRITE) == -1) {
		(void)munmap(base, len + 2 * page);
		return NULL;
	}
	protect(base + page, len);
	/* Every kernel that we run on has both. */
	(void)madvise(base + page, len, MADV_DONTDUMP);
	(void)madvise(base + page, len, MADV_WIPEONFORK);
	return base;
}

static void
before_fork(void)
{
	(void)pthread_mutex_lock(&arena.lock);
}

static void
after_fork(void)
{
	(void)pthread_mutex_unlock(&arena.lock);
}

/* Its memory is zeros, and not locked: locks are not inherited. */
static void
in_child(void)
{
	atomic_store(&arena.is_emptied, true);
	if (arena.slots != NULL)
		protect(arena.slots, ARENA_BYTES);
	for (size_t i = 0; i < SECRET_ARENA_LARGE_MAX; i++)
		if (arena.large[i].slot != NULL)
			protect(arena.large[i].slot, arena.large[i].slot_len);
	after_fork();
}

static bool
start(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *base;

	if (sodium_init() == -1)
		return false;
	base = map(whole_pages(ARENA_BYTES, page), page);
	if (base == NULL)
		return false;
	if (pthread_atfork(before_fork, after_fork, in_child) != 0) {
		(void)munmap(base, whole_pages(ARENA_BYTES, page) + 2 * page);
		return false;
	}
	randombytes_buf(arena.canary, sizeof(arena.canary));
	for (size_t class = 0; class < CLASSES; class ++)
		for (size_t i = 0; i < REGION_BYTES / slot_bytes(class); i++)
			arena.free[class][i / WORD_BITS] |= (uint64_t)1
			    << i % WORD_BITS;
	ASAN_POISON_MEMORY_REGION(base + page, ARENA_BYTES);
	arena.slots = base + page;
	return true;
}

/* A slot of that size or of the next that has one; NULL when none has. */
static uint8_t *
take_slot(size_t class, size_t *len)
{
	for (; class < CLASSES; class ++)
		for (size_t word = 0; word < WORDS; word++) {
			uint64_t *map = &arena.free[class][word];
			size_t i;

			if (*map == 0)
				continue;
			i = word * WORD_BITS + (size_t)__builtin_ctzll(*map);
			*map &= *map - 1;
			*len = slot_bytes(class);
			return arena.slots + class * REGION_BYTES + i * *len;
		}
	return NULL;
}

/* A slot of len bytes that ends where its mapping does. */
static uint8_t *
take_large(size_t len)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t whole = whole_pages(len, page);
	struct large *large = NULL;
	uint8_t *base;

	for (size_t i = 0; i < SECRET_ARENA_LARGE_MAX && large == NULL; i++)
		if (arena.large[i].slot == NULL)
			large = &arena.large[i];
	if (large == NULL ||
	    whole > SECRET_ARENA_LARGE_BYTES_MAX - arena.large_bytes)
		return NULL;
	base = map(whole, page);
	if (base == NULL)
		return NULL;
	arena.large_bytes += whole;
	large->base = base;
	large->base_len = whole + 2 * page;
	large->slot_len = len;
	large->slot = base + page + whole - len;
	return large->slot;
}

/* Of a secret of len bytes; rounded up, so that the next is aligned. */
static size_t
slot_for(size_t len)
{
	return (len + EDGES_BYTES + CANARY_BYTES - 1) / CANARY_BYTES *
	    CANARY_BYTES;
}

static uint8_t *
take(size_t need, size_t *len)
{
	size_t class = 0;
	uint8_t *slot = NULL;

	(void)pthread_mutex_lock(&arena.lock);
	if (arena.slots != NULL || start()) {
		while (class < CLASSES && slot_bytes(class) < need)
			class ++;
		slot = take_slot(class, len);
		if (slot == NULL) {
			*len = need;
			slot = take_large(need);
		}
	}
	(void)pthread_mutex_unlock(&arena.lock);
	return slot;
}

void *
secret_arena_new(size_t len)
{
	uint8_t *slot, *data;
	size_t slot_len;

	AG_ASSERT(len > 0);
	/* What began behind the end would be in the core. */
	if (len > SECRET_ARENA_LARGE_BYTES_MAX || atomic_load(&arena.is_wiped))
		return NULL;
	slot = take(slot_for(len), &slot_len);
	if (slot == NULL)
		return NULL;
	ASAN_UNPOISON_MEMORY_REGION(slot, slot_len);
	data = slot + CANARY_BYTES;
	memcpy(slot, arena.canary, CANARY_BYTES);
	memset(data, 0, len);
	memcpy(data + len, arena.canary, CANARY_BYTES);
	ASAN_POISON_MEMORY_REGION(slot, CANARY_BYTES);
	ASAN_POISON_MEMORY_REGION(data + len, slot_len - CANARY_BYTES - len);
	return data;
}

static bool
is_whole(const uint8_t *canary)
{
	return memcmp(canary, arena.canary, CANARY_BYTES) == 0 ||
	    (atomic_load(&arena.is_emptied) &&
		sodium_is_zero(canary, CANARY_BYTES));
}

static void
wipe_slot(uint8_t *slot, size_t slot_len, size_t len)
{
	ASAN_UNPOISON_MEMORY_REGION(slot, slot_len);
	AG_ASSERT(is_whole(slot));
	AG_ASSERT(is_whole(slot + CANARY_BYTES + len));
	sodium_memzero(slot, len + EDGES_BYTES);
}

static void
give_slot(uint8_t *slot, size_t len)
{
	const size_t at = (size_t)(slot - arena.slots);
	const size_t class = at / REGION_BYTES;
	const size_t i = at % REGION_BYTES / slot_bytes(class);
	uint64_t *map = &arena.free[class][i / WORD_BITS];
	const uint64_t bit = (uint64_t)1 << i % WORD_BITS;

	AG_ASSERT(at % slot_bytes(class) == 0);
	AG_ASSERT(slot_for(len) <= slot_bytes(class));
	wipe_slot(slot, slot_bytes(class), len);
	ASAN_POISON_MEMORY_REGION(slot, slot_bytes(class));
	(void)pthread_mutex_lock(&arena.lock);
	AG_ASSERT((*map & bit) == 0);
	*map |= bit;
	(void)pthread_mutex_unlock(&arena.lock);
}

static void
give_large(uint8_t *slot, size_t len)
{
	struct large *large = arena.large;
	uint8_t *base;
	size_t base_len;

	wipe_slot(slot, slot_for(len), len);
	(void)pthread_mutex_lock(&arena.lock);
	while (
	    large < arena.large + SECRET_ARENA_LARGE_MAX && large->slot != slot)
		large++;
	AG_ASSERT(large < arena.large + SECRET_ARENA_LARGE_MAX);
	AG_ASSERT(large->slot_len == slot_for(len));
	large->slot = NULL;
	base = large->base;
	base_len = large->base_len;
	arena.large_bytes -= base_len - 2 * (size_t)sysconf(_SC_PAGESIZE);
	(void)pthread_mutex_unlock(&arena.lock);
	(void)munmap(base, base_len);
}

void
secret_arena_free(void *data, size_t len)
{
	uint8_t *slot = (uint8_t *)data - CANARY_BYTES;

	if (slot >= arena.slots && slot < arena.slots + ARENA_BYTES)
		give_slot(slot, len);
	else
		give_large(slot, len);
}

bool
secret_arena_is_locked(void)
{
	return !atomic_load(&arena.is_refused);
}

bool
secret_arena_is_wiped(void)
{
	/* What the caller has read of a secret, it has read before this. */
	atomic_thread_fence(memory_order_seq_cst);
	return atomic_load(&arena.is_wiped);
}

void
secret_arena_wipe(void)
{
	uint8_t *slots = arena.slots;

	atomic_store(&arena.is_wiped, true);
	atomic_store(&arena.is_emptied, true);
	if (slots != NULL) {
		ASAN_UNPOISON_MEMORY_REGION(slots, ARENA_BYTES);
		sodium_memzero(slots, ARENA_BYTES);
	}
	for (size_t i = 0; i < SECRET_ARENA_LARGE_MAX; i++) {
		uint8_t *slot = arena.large[i].slot;

		if (slot == NULL)
			continue;
		ASAN_UNPOISON_MEMORY_REGION(slot, arena.large[i].slot_len);
		sodium_memzero(slot, arena.large[i].slot_len);
	}
}
