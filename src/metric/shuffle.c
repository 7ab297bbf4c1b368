#include "metric/shuffle.h"

/* MT19937: M. Matsumoto and T. Nishimura, "Mersenne Twister", 1998. */
#define WORDS 624
#define SHIFT 397

typedef struct twister {
    uint32_t words[WORDS];
    int next;
} twister;

static void twister_init(twister *t, uint32_t seed)
{
    t->words[0] = seed;
    for (uint32_t i = 1; i < WORDS; i++)
        t->words[i] = 1812433253u * (t->words[i - 1] ^ t->words[i - 1] >> 30) + i;
    t->next = WORDS;
}

static void twist(twister *t)
{
    for (int i = 0; i < WORDS; i++) {
        uint32_t y = (t->words[i] & 0x80000000u) | (t->words[(i + 1) % WORDS] & 0x7fffffffu);

        t->words[i] = t->words[(i + SHIFT) % WORDS] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    t->next = 0;
}

static uint32_t draw(twister *t)
{
    uint32_t y;

    if (t->next == WORDS)
        twist(t);
    y = t->words[t->next++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

void cv_numpy_permutation(int32_t *order, int count, uint32_t seed)
{
    twister t;

    twister_init(&t, seed);
    for (int i = 0; i < count; i++)
        order[i] = i;
    for (int i = count - 1; i > 0; i--) {
        uint32_t mask = UINT32_MAX >> __builtin_clz((unsigned)i), j;
        int32_t kept = order[i];

        do
            j = draw(&t) & mask;
        while (j > (uint32_t)i);
        order[i] = order[j];
        order[j] = kept;
    }
}
