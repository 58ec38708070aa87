// Philox4x32-10 (Salmon et al., 2011), so many blocks at a time; the same numbers as TensorEngine's Philox.

#define BLOCKS 16

typedef uint32_t NAME(words) __attribute__((vector_size(4 * BLOCKS), aligned(4)));
typedef uint64_t NAME(products_of_words) __attribute__((vector_size(8 * BLOCKS), aligned(8)));

// The words of BLOCKS blocks from one on, each word of a block in a vector of its own.
static inline void NAME(philox)(errata_stream stream, uint64_t block, NAME(words) c[4]) {
    for (int l = 0; l < BLOCKS; l++) {
        c[0][l] = (uint32_t)(block + l);
        c[1][l] = (uint32_t)((block + l) >> 32);
    }
    c[2] = (NAME(words)){0} + (uint32_t)stream.id;
    c[3] = (NAME(words)){0} + (uint32_t)(stream.id >> 32);
    uint32_t k0 = stream.key[0], k1 = stream.key[1];
    for (int round = 0; round < 10; round++) {
        NAME(products_of_words) p0 = __builtin_convertvector(c[0], NAME(products_of_words)) * 0xD2511F53ull;
        NAME(products_of_words) p1 = __builtin_convertvector(c[2], NAME(products_of_words)) * 0xCD9E8D57ull;
        c[0] = __builtin_convertvector(p1 >> 32, NAME(words)) ^ c[1] ^ k0;
        c[1] = __builtin_convertvector(p1, NAME(words));
        c[2] = __builtin_convertvector(p0 >> 32, NAME(words)) ^ c[3] ^ k1;
        c[3] = __builtin_convertvector(p0, NAME(words));
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
}

static void NAME(uniform)(errata_stream stream, uint64_t first, ptrdiff_t count, double low, double width, void *y_) {
#pragma clang fp contract(off)
    T *y = y_;
    for (ptrdiff_t start = 0; start < count; start += 4 * BLOCKS) {
        NAME(words) c[4];
        int32_t bits[4 * BLOCKS];
        T drawn[4 * BLOCKS];
        NAME(philox)(stream, (first + start) / 4, c);
        for (int i = 0; i < 4 * BLOCKS; i++) bits[i] = (int32_t)(c[i % 4][i / 4] >> 8);
        for (int i = 0; i < 4 * BLOCKS; i++) drawn[i] = (T)(low + width * (bits[i] * 0x1p-24));
        memcpy(y + start, drawn, (count - start < 4 * BLOCKS ? count - start : 4 * BLOCKS) * sizeof(T));
    }
}

#undef BLOCKS
