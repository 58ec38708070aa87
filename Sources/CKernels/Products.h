// Matrix products as the 1×1 convolutions of cells need them: long and narrow. Tiles of rows and vectors of columns
// stay in registers over the whole inner extent.

#define TILE 4

// Rows of b are whole vectors long, so that these are the only ones there are.
#if LANES == VECTOR_BYTES / SIZE

static inline __attribute__((always_inline)) void BLOCK(products_tile)(
    ptrdiff_t rows, ptrdiff_t vectors, ptrdiff_t last, ptrdiff_t k, const T *a, ptrdiff_t a_pitch, const T *b,
    ptrdiff_t b_pitch, T *c, ptrdiff_t c_pitch) {
    V sums[8][TILE];
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < vectors; j++) sums[i][j] = (V){0};
    for (ptrdiff_t p = 0; p < k; p++) {
        V v[TILE];
        UNROLL for (int j = 0; j < vectors; j++) v[j] = LOAD(b + p * b_pitch + j * LANES);
        UNROLL for (int i = 0; i < rows; i++) {
            T x = a[i * a_pitch + p];
            UNROLL for (int j = 0; j < vectors; j++) sums[i][j] += x * v[j];
        }
    }
    UNROLL for (int i = 0; i < rows; i++) {
        T *row = c + i * c_pitch;
        UNROLL for (int j = 0; j < vectors - 1; j++) STORE(row + j * LANES, sums[i][j]);
        if (last == LANES) STORE(row + (vectors - 1) * LANES, sums[i][vectors - 1]);
        else memcpy(row + (vectors - 1) * LANES, &sums[i][vectors - 1], last * SIZE);
    }
}

// For up to `vectors` vectors of columns, of which the last has `last`.
#define ROWS(tall, vectors)                                                                                \
    for (; r + tall <= rows; r += tall) {                                                                  \
        BLOCK(products_tile)(tall, vectors, last, k, a + r * a_pitch, a_pitch, b, b_pitch, c + r * c_pitch, \
                             c_pitch);                                                                     \
    }                                                                                                      \
    for (; r < rows; r++) {                                                                                \
        BLOCK(products_tile)(1, vectors, last, k, a + r * a_pitch, a_pitch, b, b_pitch, c + r * c_pitch,    \
                             c_pitch);                                                                     \
    }                                                                                                      \
    break

static void BLOCK(products)(ptrdiff_t rows, ptrdiff_t n, ptrdiff_t k, const T *a, ptrdiff_t a_pitch, const T *b,
                            ptrdiff_t b_pitch, T *c, ptrdiff_t c_pitch) {
    while (n > 0) {
        ptrdiff_t vectors = (n + LANES - 1) / LANES, r = 0;
        if (vectors > MOST_VECTORS) vectors = vectors == MOST_VECTORS + 1 ? MOST_VECTORS - 1 : MOST_VECTORS;
        ptrdiff_t columns = vectors * LANES < n ? vectors * LANES : n;
        ptrdiff_t last = columns - (vectors - 1) * LANES;
        switch (vectors) {
            case 1: ROWS(8, 1);
#if MOST_VECTORS == 4
            case 2: ROWS(8, 2);
            case 3: ROWS(8, 3);
            case 4: ROWS(4, 4);
#else
            case 2: ROWS(4, 2);
#endif
        }
        n -= columns;
        b += columns;
        c += columns;
    }
}

#undef ROWS
#endif

static inline __attribute__((always_inline)) void BLOCK(accumulate_tile)(
    ptrdiff_t high, ptrdiff_t vectors, ptrdiff_t rows, const T *a, ptrdiff_t a_pitch, const T *b,
    ptrdiff_t b_pitch, T *c, ptrdiff_t c_pitch) {
    V sums[16][2];
    UNROLL for (int i = 0; i < high; i++) UNROLL for (int j = 0; j < vectors; j++) sums[i][j] = (V){0};
    for (ptrdiff_t p = 0; p < rows; p++) {
        V v[2];
        UNROLL for (int j = 0; j < vectors; j++) v[j] = LOAD(b + p * b_pitch + j * LANES);
        UNROLL for (int i = 0; i < high; i++) {
            T x = a[p * a_pitch + i];
            UNROLL for (int j = 0; j < vectors; j++) sums[i][j] += x * v[j];
        }
    }
    UNROLL for (int i = 0; i < high; i++) {
        UNROLL for (int j = 0; j < vectors; j++) {
            T *target = c + i * c_pitch + j * LANES;
            STORE(target, LOAD(target) + sums[i][j]);
        }
    }
}

#define HIGH(height, vectors)                                                                              \
    for (; i + height <= k; i += height) {                                                                 \
        BLOCK(accumulate_tile)(height, vectors, rows, a + i, a_pitch, b + j, b_pitch, c + i * c_pitch + j,  \
                               c_pitch);                                                                   \
    }

// From column j on; returns the first that is left over.
static ptrdiff_t BLOCK(accumulate_products)(errata_matrix a_, errata_matrix b_, ptrdiff_t j, T *c) {
    const T *a = a_.elements, *b = b_.elements;
    ptrdiff_t rows = a_.rows, k = a_.columns, n = b_.columns, a_pitch = a_.pitch, b_pitch = b_.pitch, c_pitch = n;
#if MOST_VECTORS == 4
    for (; j + 2 * LANES <= n; j += 2 * LANES) {
        ptrdiff_t i = 0;
        HIGH(8, 2)
        HIGH(4, 2)
        HIGH(1, 2)
    }
#endif
    for (; j + LANES <= n; j += LANES) {
        ptrdiff_t i = 0;
#if MOST_VECTORS == 4
        HIGH(16, 1)
#endif
        HIGH(8, 1)
        HIGH(4, 1)
        HIGH(1, 1)
    }
    return j;
}

#undef HIGH
#undef TILE
