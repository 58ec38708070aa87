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
           w->output_pitch == w->channels && w->kernel_height * w->kernel_width <= MOST_TAPS;
}

typedef TI NAME(wide_mask) __attribute__((vector_size(VECTOR_BYTES), aligned(SIZE), may_alias));

static inline void NAME(narrow_store)(T *out, const T *kept, int accumulates, NAME(wide) v) {
    if (kept) {
        NAME(wide_mask) mask = *(const NAME(wide) *)kept > (NAME(wide)){0};
        v = (NAME(wide))((NAME(wide_mask))v & mask);
    }
    if (accumulates) v += *(const NAME(wide) *)out;
    *(NAME(wide) *)out = v;
}

static void NAME(narrow_depthwise)(const errata_window *w, const T *padded, const T *weights, const T *mask,
                                   ptrdiff_t mask_pitch, int accumulates, T *y) {
    ptrdiff_t channels = w->channels, line = w->width * channels, length = w->output_width * channels;
    ptrdiff_t taps = w->kernel_height * w->kernel_width, offsets[MOST_TAPS];
    T tiled[MOST_TAPS][WIDE];
    for (ptrdiff_t t = 0; t < taps; t++) {
        NAME(tile)(channels, weights + t * channels, tiled[t]);
        offsets[t] = t / w->kernel_width * w->dilation * line + t % w->kernel_width * w->dilation * channels;
    }
    for (ptrdiff_t row = 0; row < w->output_height; row++) {
        const T *x = padded + row * line;
        T *out = y + row * length;
        const T *kept = mask ? mask + row * mask_pitch : 0;
        ptrdiff_t i = 0;
        for (; i + 4 * WIDE <= length; i += 4 * WIDE) {
            NAME(wide) a[4] = {{0}};
            for (ptrdiff_t t = 0; t < taps; t++) {
                const T *p = x + i + offsets[t];
                NAME(wide) v = *(const NAME(wide) *)tiled[t];
                UNROLL for (int n = 0; n < 4; n++) a[n] += *(const NAME(wide) *)(p + n * WIDE) * v;
            }
            UNROLL for (int n = 0; n < 4; n++) {
                NAME(narrow_store)(out + i + n * WIDE, AT(kept, i + n * WIDE), accumulates, a[n]);
            }
        }
        for (; i + WIDE <= length; i += WIDE) {
            NAME(wide) a = {0};
            for (ptrdiff_t t = 0; t < taps; t++) {
                a += *(const NAME(wide) *)(x + i + offsets[t]) * *(const NAME(wide) *)tiled[t];
            }
            NAME(narrow_store)(out + i, AT(kept, i), accumulates, a);
        }
        for (; i < length; i++) {
            T a = 0;
            for (ptrdiff_t t = 0; t < taps; t++) a += x[i + offsets[t]] * tiled[t][i % channels];
            if (kept && !(kept[i] > 0)) a = 0;
            out[i] = accumulates ? out[i] + a : a;
        }
    }
}

static void NAME(narrow_depthwise_weights)(const errata_window *w, const T *padded, const T *g, ptrdiff_t g_line,
                                           T *gradient) {
    ptrdiff_t channels = w->channels, line = w->width * channels, length = w->output_width * channels;
    for (ptrdiff_t i = 0; i < w->kernel_height; i++) {
        for (ptrdiff_t j = 0; j < w->kernel_width; j++) {
            NAME(wide) a = {0}, b = {0};
            T lanes[WIDE], rest[WIDE] = {0};
            for (ptrdiff_t row = 0; row < w->output_height; row++) {
                const T *x = padded + (row + i * w->dilation) * line + j * w->dilation * channels;
                const T *h = g + row * g_line;
                ptrdiff_t e = 0;
                for (; e + 2 * WIDE <= length; e += 2 * WIDE) {
                    a += *(const NAME(wide) *)(x + e) * *(const NAME(wide) *)(h + e);
                    b += *(const NAME(wide) *)(x + e + WIDE) * *(const NAME(wide) *)(h + e + WIDE);
                }
                for (; e < length; e++) rest[e % channels] += x[e] * h[e];
            }
            *(NAME(wide) *)lanes = a + b;
            T *target = gradient + (i * w->kernel_width + j) * channels;
            for (ptrdiff_t l = 0; l < WIDE; l++) target[l % channels] += lanes[l];
            for (ptrdiff_t c = 0; c < channels; c++) target[c] += rest[c];
        }
    }
}

#undef MOST_TAPS
