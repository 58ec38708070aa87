// Kernels over few columns: where these divide a vector, several rows that lie side by side fill it, and what
// belongs to a column is repeated along it. PC-DARTS's and small supernets' channels are such columns.

#define WIDE (VECTOR_BYTES / SIZE)
#define MOST_BRANCHES 64

typedef T NAME(wide) __attribute__((vector_size(VECTOR_BYTES), aligned(SIZE), may_alias));

static inline int NAME(narrow)(ptrdiff_t columns) { return columns < WIDE && WIDE % columns == 0; }

static inline void NAME(tile)(ptrdiff_t columns, const void *values, T *tiled) {
    for (ptrdiff_t l = 0; l < WIDE; l++) tiled[l] = ((const T *)values)[l % columns];
}

// Adds the sums over as many rows as fill vectors; returns how many those are.
static ptrdiff_t NAME(narrow_sums)(ptrdiff_t rows, ptrdiff_t columns, const T *x, double *sums) {
    ptrdiff_t wide = rows * columns / WIDE;
    double lanes[WIDE] = {0};
    NAME(column_sums_whole)(wide, x, WIDE, lanes);
    for (ptrdiff_t l = 0; l < WIDE; l++) sums[l % columns] += lanes[l];
    return wide * (WIDE / columns);
}

static void NAME(narrow_moments)(ptrdiff_t rows, ptrdiff_t columns, const T *x, double *sums, double *squares) {
    ptrdiff_t wide = rows * columns / WIDE, done = wide * (WIDE / columns);
    double lane_sums[WIDE] = {0}, lane_squares[WIDE] = {0}, means[WIDE] = {0};
    if (wide > 0) NAME(column_moments_whole)(wide, x, WIDE, lane_sums, lane_squares);
    for (ptrdiff_t c = 0; c < columns; c++) sums[c] = squares[c] = 0;
    for (ptrdiff_t l = 0; l < WIDE; l++) sums[l % columns] += lane_sums[l];
    for (ptrdiff_t i = done * columns; i < rows * columns; i++) sums[i % columns] += x[i];
    for (ptrdiff_t c = 0; c < columns; c++) means[c] = sums[c] / rows;
    // About the mean of all: a lane's own squares, and its rows times its mean's square distance.
    for (ptrdiff_t l = 0; l < WIDE && wide > 0; l++) {
        double d = lane_sums[l] / wide - means[l % columns];
        squares[l % columns] += lane_squares[l] + wide * d * d;
    }
    for (ptrdiff_t i = done * columns; i < rows * columns; i++) {
        double d = x[i] - means[i % columns];
        squares[i % columns] += d * d;
    }
}

static void NAME(narrow_products)(ptrdiff_t rows, ptrdiff_t columns, const T *g, const T *x, const T *mean,
                                  double *sums, double *products) {
    ptrdiff_t wide = rows * columns / WIDE;
    double lane_sums[WIDE] = {0}, lane_products[WIDE] = {0};
    T m[WIDE];
    NAME(tile)(columns, mean, m);
    NAME(column_products_whole)(wide, g, WIDE, x, WIDE, m, lane_sums, lane_products);
    for (ptrdiff_t c = 0; c < columns; c++) sums[c] = products[c] = 0;
    for (ptrdiff_t l = 0; l < WIDE; l++) {
        sums[l % columns] += lane_sums[l];
        products[l % columns] += lane_products[l];
    }
    for (ptrdiff_t i = wide * WIDE; i < rows * columns; i++) {
        sums[i % columns] += g[i];
        products[i % columns] += g[i] * (x[i] - mean[i % columns]);
    }
}

static void NAME(narrow_affine_sum)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t count, const void *const *x,
                                    const void *const *scales, const void *shift, T *y) {
    ptrdiff_t wide = rows * columns / WIDE, pitches[MOST_BRANCHES];
    T tiled[MOST_BRANCHES][WIDE], tiled_shift[WIDE];
    const void *tiles[MOST_BRANCHES];
    for (ptrdiff_t k = 0; k < count; k++) {
        pitches[k] = WIDE;
        NAME(tile)(columns, scales[k], tiled[k]);
        tiles[k] = tiled[k];
    }
    if (shift) NAME(tile)(columns, shift, tiled_shift);
    NAME(affine_sum_whole)(wide, 0, count, x, pitches, tiles, shift ? tiled_shift : 0, y, WIDE);
    for (ptrdiff_t i = wide * WIDE; i < rows * columns; i++) {
        T sum = shift ? ((const T *)shift)[i % columns] : 0;
        for (ptrdiff_t k = 0; k < count; k++) {
            sum += ((const T *)x[k])[i] * ((const T *)scales[k])[i % columns];
        }
        y[i] = sum;
    }
}

// MARK: Depthwise convolution of stride 1, whose output pixels lie side by side as their inputs do

#define MOST_TAPS 49

static inline int NAME(narrow_window)(const errata_window *w) {
    return NAME(narrow)(w->channels) && w->stride == 1 && w->input_pitch == w->channels &&
           w->output_pitch == w->channels && w->output_width * w->channels >= WIDE &&
           w->kernel_height * w->kernel_width <= MOST_TAPS;
}

typedef TI NAME(wide_mask) __attribute__((vector_size(VECTOR_BYTES), aligned(SIZE), may_alias));

// Where the taps of a kernel lie from an output's first one on, in elements.
static void NAME(tap_offsets)(const errata_window *w, ptrdiff_t line, ptrdiff_t *offsets) {
    for (ptrdiff_t t = 0; t < w->kernel_height * w->kernel_width; t++) {
        offsets[t] = (t / w->kernel_width * line + t % w->kernel_width * w->channels) * w->dilation;
    }
}

// Writes v, or adds it, but for the first `skipped` lanes, which have been written before.
static inline void NAME(narrow_store)(T *out, const T *kept, int accumulates, ptrdiff_t skipped, NAME(wide) v) {
    if (kept) {
        NAME(wide_mask) mask = *(const NAME(wide) *)kept > (NAME(wide)){0};
        v = (NAME(wide))((NAME(wide_mask))v & mask);
    }
    if (accumulates) {
        v += *(const NAME(wide) *)out;
        if (skipped) memcpy(&v, out, skipped * sizeof(T));
    }
    *(NAME(wide) *)out = v;
}

#define AT_ONCE 8

static void NAME(narrow_depthwise)(const errata_window *w, const T *padded, const T *weights, const T *mask,
                                   ptrdiff_t mask_pitch, int accumulates, T *y) {
    ptrdiff_t line = w->width * w->channels, length = w->output_width * w->channels;
    ptrdiff_t taps = w->kernel_height * w->kernel_width, offsets[MOST_TAPS];
    T tiled[MOST_TAPS][WIDE];
    NAME(tap_offsets)(w, line, offsets);
    for (ptrdiff_t t = 0; t < taps; t++) NAME(tile)(w->channels, weights + t * w->channels, tiled[t]);
    // Vectors of all rows are taken so many at a time; a row's last one ends where the row does.
    ptrdiff_t across = (length + WIDE - 1) / WIDE, left = across * w->output_height, row = 0, vector = 0;
    while (left > 0) {
        const T *x[AT_ONCE], *kept[AT_ONCE];
        T *out[AT_ONCE];
        ptrdiff_t skipped[AT_ONCE], count = left < AT_ONCE ? left : AT_ONCE;
        for (ptrdiff_t n = 0; n < count; n++) {
            ptrdiff_t start = vector * WIDE, surplus = start + WIDE - length;
            skipped[n] = surplus > 0 ? surplus : 0;
            start -= skipped[n];
            x[n] = padded + row * line + start;
            out[n] = y + row * length + start;
            kept[n] = AT(mask, row * mask_pitch + start);
            if (++vector == across) vector = 0, row++;
        }
        for (ptrdiff_t n = count; n < AT_ONCE; n++) x[n] = x[0];
        NAME(wide) sums[AT_ONCE] = {{0}};
        for (ptrdiff_t t = 0; t < taps; t++) {
            NAME(wide) v = *(const NAME(wide) *)tiled[t];
            UNROLL for (int n = 0; n < AT_ONCE; n++) sums[n] += *(const NAME(wide) *)(x[n] + offsets[t]) * v;
        }
        UNROLL for (int n = 0; n < AT_ONCE; n++) {
            if (n < count) NAME(narrow_store)(out[n], kept[n], accumulates, skipped[n], sums[n]);
        }
        left -= count;
    }
}

// The gradients of `count` taps, from the one on that `offsets` and `gradient` begin with.
static inline __attribute__((always_inline)) void NAME(narrow_taps)(
    const errata_window *w, ptrdiff_t count, const ptrdiff_t *offsets, const T *padded, const T *g,
    ptrdiff_t g_line, T *gradient) {
    ptrdiff_t channels = w->channels, line = w->width * channels, length = w->output_width * channels;
    ptrdiff_t surplus = (WIDE - length % WIDE) % WIDE;
    NAME(wide) sums[9];
    UNROLL for (int t = 0; t < count; t++) sums[t] = (NAME(wide)){0};
    for (ptrdiff_t row = 0; row < w->output_height; row++) {
        const T *x = padded + row * line, *h = g + row * g_line;
        ptrdiff_t e = 0;
        for (; e + WIDE <= length; e += WIDE) {
            NAME(wide) v = *(const NAME(wide) *)(h + e);
            UNROLL for (int t = 0; t < count; t++) sums[t] += *(const NAME(wide) *)(x + offsets[t] + e) * v;
        }
        if (surplus) {
            // What is left over, and before it what has been counted.
            e = length - WIDE;
            NAME(wide) v = {0};
            memcpy((T *)&v + surplus, h + e + surplus, (WIDE - surplus) * sizeof(T));
            UNROLL for (int t = 0; t < count; t++) sums[t] += *(const NAME(wide) *)(x + offsets[t] + e) * v;
        }
    }
    UNROLL for (int t = 0; t < count; t++) {
        for (ptrdiff_t l = 0; l < WIDE; l++) gradient[t * channels + l % channels] += sums[t][l];
    }
}

static void NAME(narrow_depthwise_weights)(const errata_window *w, const T *padded, const T *g, ptrdiff_t g_line,
                                           T *gradient) {
    ptrdiff_t taps = w->kernel_height * w->kernel_width, offsets[MOST_TAPS];
    NAME(tap_offsets)(w, w->width * w->channels, offsets);
    for (ptrdiff_t t = 0; t < taps;) {
        // 9 are 3×3, and 9 + 8 + 8 are 5×5.
#define TAPS(count)                                                                                         \
    {                                                                                                       \
        NAME(narrow_taps)(w, count, offsets + t, padded, g, g_line, gradient + t * w->channels);             \
        t += count;                                                                                         \
    }
        if (taps - t == 9 || taps - t == 25) TAPS(9)
        else if (taps - t >= 8) TAPS(8)
        else TAPS(1)
#undef TAPS
    }
}

#undef AT_ONCE
#undef MOST_TAPS

// MARK: Products of a few columns with a square matrix: a vector holds several rows, and what multiplies a column of
// them is spread, or turned, within each.

// Lane l of a vector of rows of C columns: column k of its row; column l + k, turned round.
#define SPREAD(C, k, l) ((l) / C * C + k)
#define TURNED(C, k, l) ((l) / C * C + ((l) + k) % C)

#if VECTOR_BYTES / SIZE == 16
#define SHUFFLED(v, f, C, k)                                                                                     \
    __builtin_shufflevector(v, v, f(C, k, 0), f(C, k, 1), f(C, k, 2), f(C, k, 3), f(C, k, 4), f(C, k, 5),        \
                            f(C, k, 6), f(C, k, 7), f(C, k, 8), f(C, k, 9), f(C, k, 10), f(C, k, 11),            \
                            f(C, k, 12), f(C, k, 13), f(C, k, 14), f(C, k, 15))
#elif VECTOR_BYTES / SIZE == 8
#define SHUFFLED(v, f, C, k)                                                                                     \
    __builtin_shufflevector(v, v, f(C, k, 0), f(C, k, 1), f(C, k, 2), f(C, k, 3), f(C, k, 4), f(C, k, 5),        \
                            f(C, k, 6), f(C, k, 7))
#endif

#define EACH_OF_4(f) f(4, 0) f(4, 1) f(4, 2) f(4, 3)
#define EACH_OF_8(f) f(8, 0) f(8, 1) f(8, 2) f(8, 3) f(8, 4) f(8, 5) f(8, 6) f(8, 7)

// Whether a·b is such a product.
static inline int NAME(narrow_square)(errata_matrix a, ptrdiff_t columns) {
#ifdef SHUFFLED
    return a.columns == columns && a.pitch == columns && (columns == 4 || columns == 8) && columns < WIDE;
#else
    return 0;
#endif
}

static inline errata_matrix NAME(rows_from)(errata_matrix a, ptrdiff_t row) {
    a.elements = (const T *)a.elements + row * a.pitch;
    a.rows -= row;
    return a;
}

#ifdef SHUFFLED

// c = a·b over as many rows as fill vectors; returns how many those are.
static ptrdiff_t NAME(narrow_products_of)(ptrdiff_t rows, ptrdiff_t columns, const T *a, const T *b,
                                          ptrdiff_t b_pitch, T *c) {
    T tiled[8][WIDE];
    ptrdiff_t wide = rows * columns / WIDE;
    for (ptrdiff_t k = 0; k < columns; k++) NAME(tile)(columns, b + k * b_pitch, tiled[k]);
#define TERM(C, k) sum += SHUFFLED(v, SPREAD, C, k) * *(const NAME(wide) *)tiled[k];
#define ROWS(C)                                                                                \
    for (ptrdiff_t i = 0; i < wide * WIDE; i += WIDE) {                                        \
        NAME(wide) v = *(const NAME(wide) *)(a + i), sum = {0};                                \
        EACH_OF_##C(TERM)                                                                      \
        *(NAME(wide) *)(c + i) = sum;                                                          \
    }
    if (columns == 4) {
        ROWS(4)
    } else {
        ROWS(8)
    }
#undef ROWS
#undef TERM
    return wide * (WIDE / columns);
}

// c += aᵀ·b over as many rows as fill vectors; returns how many those are.
static ptrdiff_t NAME(narrow_accumulate_products)(ptrdiff_t rows, ptrdiff_t columns, const T *a, const T *b, T *c) {
    ptrdiff_t wide = rows * columns / WIDE;
    NAME(wide) sums[8] = {{0}};
#define TERM(C, k) sums[k] += u * SHUFFLED(v, TURNED, C, k);
#define ROWS(C)                                                                                     \
    for (ptrdiff_t i = 0; i < wide * WIDE; i += WIDE) {                                             \
        NAME(wide) u = *(const NAME(wide) *)(a + i), v = *(const NAME(wide) *)(b + i);              \
        EACH_OF_##C(TERM)                                                                           \
    }
    if (columns == 4) {
        ROWS(4)
    } else {
        ROWS(8)
    }
#undef ROWS
#undef TERM
    for (ptrdiff_t k = 0; k < columns; k++) {
        for (ptrdiff_t l = 0; l < WIDE; l++) c[l % columns * columns + (l + k) % columns] += sums[k][l];
    }
    return wide * (WIDE / columns);
}

#else
static ptrdiff_t NAME(narrow_products_of)(ptrdiff_t rows, ptrdiff_t columns, const T *a, const T *b,
                                          ptrdiff_t b_pitch, T *c) { return 0; }
static ptrdiff_t NAME(narrow_accumulate_products)(ptrdiff_t rows, ptrdiff_t columns, const T *a, const T *b, T *c) {
    return 0;
}
#endif

#undef EACH_OF_4
#undef EACH_OF_8
#undef TURNED
#undef SPREAD
#undef SHUFFLED
