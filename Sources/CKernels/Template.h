// The kernels of one instruction set and one element type T.
//
// Kernels over columns work in blocks of a whole vector, then of half and a quarter of one, then of one element:
// Block.h holds their bodies, written once for a vector V of LANES elements.
#define NAME(f) JOIN(f, ISA, TYPE)

// The vectors of a row of products that fit in registers: AVX-512 has 32 of them, others 16.
#if VECTOR_BYTES == 64
#define MOST_VECTORS 4
#else
#define MOST_VECTORS 2
#endif

// Before a loop of few turns, whose arrays then stay in registers.
#define UNROLL _Pragma("clang loop unroll(full)")

#define LANES (VECTOR_BYTES / SIZE)
#define BLOCK(f) NAME(f##_whole)
#include "Block.h"
#undef LANES
#undef BLOCK

#if VECTOR_BYTES / SIZE >= 8
#define LANES (VECTOR_BYTES / SIZE / 2)
#define BLOCK(f) NAME(f##_half)
#include "Block.h"
#undef LANES
#undef BLOCK
#define LANES (VECTOR_BYTES / SIZE / 4)
#define BLOCK(f) NAME(f##_quarter)
#include "Block.h"
#undef LANES
#undef BLOCK
#define PARTS(f, c, columns, ...)                                                                          \
    if (c + VECTOR_BYTES / SIZE / 2 <= columns) {                                                          \
        NAME(f##_half)(__VA_ARGS__);                                                                       \
        c += VECTOR_BYTES / SIZE / 2;                                                                      \
    }                                                                                                      \
    if (c + VECTOR_BYTES / SIZE / 4 <= columns) {                                                          \
        NAME(f##_quarter)(__VA_ARGS__);                                                                    \
        c += VECTOR_BYTES / SIZE / 4;                                                                      \
    }
#else
#define PARTS(f, c, columns, ...)
#endif

#define LANES 1
#define BLOCK(f) NAME(f##_one)
#include "Block.h"
#undef LANES
#undef BLOCK

// Calls f's bodies over all columns; `c` is the first column of a block in the arguments.
#define OVER_COLUMNS(f, columns, ...)                                                            \
    do {                                                                                         \
        ptrdiff_t c = 0;                                                                         \
        for (; c + VECTOR_BYTES / SIZE <= (columns); c += VECTOR_BYTES / SIZE) {                 \
            NAME(f##_whole)(__VA_ARGS__);                                                        \
        }                                                                                        \
        PARTS(f, c, (columns), __VA_ARGS__)                                                      \
        for (; c < (columns); c++) { NAME(f##_one)(__VA_ARGS__); }                               \
    } while (0)

#define AT(p, i) ((p) ? (const T *)(p) + (i) : 0)

#include "Narrow.h"

#include "Philox.h"

// MARK: Elementwise

static inline T NAME(sigmoid)(T x) {
    T e = MATH(exp)(-MATH(fabs)(x));
    return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

static inline T NAME(softplus)(T x) { return (x > 0 ? x : 0) + MATH(log1p)(MATH(exp)(-MATH(fabs)(x))); }

static void NAME(unary)(int operation, ptrdiff_t rows, ptrdiff_t columns, const void *x_, ptrdiff_t x_pitch,
                        void *y_, ptrdiff_t y_pitch) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        const T *x = (const T *)x_ + r * x_pitch;
        T *y = (T *)y_ + r * y_pitch;
#define EACH(expression)                                  \
    for (ptrdiff_t i = 0; i < columns; i++) {             \
        T v = x[i];                                       \
        y[i] = (expression);                              \
    }                                                     \
    break
        switch (operation) {
            case ERRATA_NEGATE: EACH(-v);
            case ERRATA_EXP: EACH(MATH(exp)(v));
            case ERRATA_LOG: EACH(MATH(log)(v));
            case ERRATA_SQRT: EACH(MATH(sqrt)(v));
            case ERRATA_RSQRT: EACH(1 / MATH(sqrt)(v));
            case ERRATA_RECIPROCAL: EACH(1 / v);
            case ERRATA_SQUARE: EACH(v * v);
            case ERRATA_TANH: EACH(MATH(tanh)(v));
            case ERRATA_SIGMOID: EACH(NAME(sigmoid)(v));
            case ERRATA_SOFTPLUS: EACH(NAME(softplus)(v));
            case ERRATA_RELU: EACH(v < 0 ? 0 : v);
            case ERRATA_ABS: EACH(MATH(fabs)(v));
            case ERRATA_SIGN: EACH((T)((v > 0) - (v < 0)));
        }
#undef EACH
    }
}

static void NAME(scalar_affine)(double scale, double shift, ptrdiff_t rows, ptrdiff_t columns, const void *x_,
                                ptrdiff_t x_pitch, void *y_, ptrdiff_t y_pitch) {
#pragma clang fp contract(off)
    for (ptrdiff_t r = 0; r < rows; r++) {
        const T *x = (const T *)x_ + r * x_pitch;
        T *y = (T *)y_ + r * y_pitch;
        for (ptrdiff_t i = 0; i < columns; i++) y[i] = x[i] * (T)scale + (T)shift;
    }
}

static void NAME(binary)(int operation, ptrdiff_t rows, ptrdiff_t columns, const void *a_, ptrdiff_t a_pitch,
                         ptrdiff_t a_step, const void *b_, ptrdiff_t b_pitch, ptrdiff_t b_step, void *y_,
                         ptrdiff_t y_pitch) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        const T *a = (const T *)a_ + r * a_pitch;
        const T *b = (const T *)b_ + r * b_pitch;
        T *y = (T *)y_ + r * y_pitch;
#define LOOP(left, right, expression)                     \
    for (ptrdiff_t i = 0; i < columns; i++) {             \
        T u = left, v = right;                            \
        y[i] = (expression);                              \
    }
#define EACH(expression)                                                     \
    if (a_step && b_step) LOOP(a[i], b[i], expression)                       \
    else if (a_step) LOOP(a[i], b[0], expression)                            \
    else if (b_step) LOOP(a[0], b[i], expression)                            \
    else LOOP(a[0], b[0], expression)                                        \
    break
        switch (operation) {
            case ERRATA_ADD: EACH(u + v);
            case ERRATA_SUBTRACT: EACH(u - v);
            case ERRATA_MULTIPLY: EACH(u * v);
            case ERRATA_DIVIDE: EACH(u / v);
            case ERRATA_MAXIMUM: EACH(u > v ? u : v);
            case ERRATA_MINIMUM: EACH(u < v ? u : v);
            case ERRATA_GREATER: EACH((T)(u > v));
            case ERRATA_EQUAL: EACH((T)(u == v));
            case ERRATA_MASK: EACH(v > 0 ? u : 0);
        }
#undef EACH
#undef LOOP
    }
}

static void NAME(fill)(ptrdiff_t count, double value, void *y_) {
    T *y = y_;
    for (ptrdiff_t i = 0; i < count; i++) y[i] = (T)value;
}

// MARK: Reductions

static double NAME(row_sum)(ptrdiff_t count, const void *x_) {
    const T *x = x_;
    double lanes[8] = {0};
    ptrdiff_t i = 0;
    for (; i + 8 <= count; i += 8) {
        for (int l = 0; l < 8; l++) lanes[l] += x[i + l];
    }
    double sum = 0;
    for (; i < count; i++) sum += x[i];
    for (int l = 0; l < 8; l++) sum += lanes[l];
    return sum;
}

static double NAME(row_maximum)(ptrdiff_t count, const void *x_) {
    const T *x = x_;
    T best = x[0];
    for (ptrdiff_t i = 1; i < count; i++) best = x[i] > best ? x[i] : best;
    return best;
}

static void NAME(column_sums)(ptrdiff_t rows, ptrdiff_t columns, const void *x, ptrdiff_t pitch, double *sums) {
    if (NAME(narrow)(columns) && pitch == columns) {
        ptrdiff_t done = NAME(narrow_sums)(rows, columns, x, sums);
        x = (const T *)x + done * columns;
        rows -= done;
    }
    OVER_COLUMNS(column_sums, columns, rows, (const T *)x + c, pitch, sums + c);
}

static void NAME(column_maxima)(ptrdiff_t rows, ptrdiff_t columns, const void *x_, ptrdiff_t pitch, void *m_) {
    T *maxima = m_;
    for (ptrdiff_t r = 0; r < rows; r++) {
        const T *x = (const T *)x_ + r * pitch;
        for (ptrdiff_t c = 0; c < columns; c++) maxima[c] = x[c] > maxima[c] ? x[c] : maxima[c];
    }
}

static void NAME(column_moments)(ptrdiff_t rows, ptrdiff_t columns, const void *x, ptrdiff_t pitch, double *sums,
                                 double *squares) {
    if (NAME(narrow)(columns) && pitch == columns) {
        NAME(narrow_moments)(rows, columns, x, sums, squares);
        return;
    }
    OVER_COLUMNS(column_moments, columns, rows, (const T *)x + c, pitch, sums + c, squares + c);
}

static void NAME(column_products)(ptrdiff_t rows, ptrdiff_t columns, const void *g, ptrdiff_t g_pitch,
                                  const void *x, ptrdiff_t x_pitch, const void *mean, double *sums,
                                  double *products) {
    if (NAME(narrow)(columns) && g_pitch == columns && x_pitch == columns) {
        NAME(narrow_products)(rows, columns, g, x, mean, sums, products);
        return;
    }
    OVER_COLUMNS(column_products, columns, rows, (const T *)g + c, g_pitch, (const T *)x + c, x_pitch,
                 (const T *)mean + c, sums + c, products + c);
}

// MARK: Normalisation

static void NAME(affine)(ptrdiff_t rows, ptrdiff_t columns, const void *x, ptrdiff_t x_pitch, const void *mean,
                         const void *scale, const void *shift, int relu, void *y, ptrdiff_t y_pitch) {
    if (NAME(narrow)(columns) && x_pitch == columns && y_pitch == columns) {
        T m[WIDE], s[WIDE], h[WIDE];
        NAME(tile)(columns, mean, m);
        NAME(tile)(columns, scale, s);
        if (shift) NAME(tile)(columns, shift, h);
        ptrdiff_t wide = rows * columns / WIDE, done = wide * (WIDE / columns);
        NAME(affine_whole)(wide, x, WIDE, m, s, shift ? h : 0, relu, y, WIDE);
        x = (const T *)x + done * columns;
        y = (T *)y + done * columns;
        rows -= done;
    }
    OVER_COLUMNS(affine, columns, rows, (const T *)x + c, x_pitch, (const T *)mean + c, (const T *)scale + c,
                 AT(shift, c), relu, (T *)y + c, y_pitch);
}

static void NAME(affine_gradient)(ptrdiff_t rows, ptrdiff_t columns, const void *g, ptrdiff_t g_pitch,
                                  const void *x, ptrdiff_t x_pitch, const void *mean, const void *a,
                                  const void *b, const void *k, void *y, ptrdiff_t y_pitch) {
    if (NAME(narrow)(columns) && g_pitch == columns && x_pitch == columns && y_pitch == columns) {
        T m[WIDE], ta[WIDE], tb[WIDE], tk[WIDE];
        NAME(tile)(columns, mean, m);
        NAME(tile)(columns, a, ta);
        NAME(tile)(columns, b, tb);
        NAME(tile)(columns, k, tk);
        ptrdiff_t wide = rows * columns / WIDE, done = wide * (WIDE / columns);
        NAME(affine_gradient_whole)(wide, g, WIDE, x, WIDE, m, ta, tb, tk, y, WIDE);
        g = (const T *)g + done * columns;
        x = (const T *)x + done * columns;
        y = (T *)y + done * columns;
        rows -= done;
    }
    OVER_COLUMNS(affine_gradient, columns, rows, (const T *)g + c, g_pitch, (const T *)x + c, x_pitch,
                 (const T *)mean + c, (const T *)a + c, (const T *)b + c, (const T *)k + c, (T *)y + c,
                 y_pitch);
}

static void NAME(affine_sum)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t count, const void *const *x,
                             const ptrdiff_t *pitches, const void *const *scales, const void *shift, void *y,
                             ptrdiff_t y_pitch) {
    if (NAME(narrow)(columns) && y_pitch == columns && count <= MOST_BRANCHES) {
        int contiguous = 1;
        for (ptrdiff_t k = 0; k < count; k++) contiguous &= pitches[k] == columns;
        if (contiguous) {
            NAME(narrow_affine_sum)(rows, columns, count, x, scales, shift, y);
            return;
        }
    }
    OVER_COLUMNS(affine_sum, columns, rows, c, count, x, pitches, scales, AT(shift, c), (T *)y + c, y_pitch);
}

// MARK: Depthwise convolution

static void NAME(zero_border)(ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t border,
                              void *padded_) {
    T *padded = padded_;
    ptrdiff_t line = (width + 2 * border) * channels, side = border * channels;
    // The last pixels of a row and the first of the next lie side by side.
    memset(padded, 0, (border * line + side) * sizeof(T));
    for (ptrdiff_t r = 0; r + 1 < height; r++) {
        memset(padded + (border + r) * line + side + width * channels, 0, 2 * side * sizeof(T));
    }
    memset(padded + (border + height) * line - side, 0, (border * line + side) * sizeof(T));
}

static void NAME(pad_image)(ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t border, const void *x_,
                            ptrdiff_t x_pitch, const void *mean, const void *scale, const void *shift, int relu,
                            void *padded_) {
    ptrdiff_t line = (width + 2 * border) * channels;
    NAME(zero_border)(height, width, channels, border, padded_);
    for (ptrdiff_t r = 0; r < height; r++) {
        T *y = (T *)padded_ + (border + r) * line + border * channels;
        const T *x = (const T *)x_ + r * width * x_pitch;
        if (scale) {
            NAME(affine)(width, channels, x, x_pitch, mean, scale, shift, relu, y, channels);
        } else if (x_pitch == channels) {
            if (relu) NAME(unary)(ERRATA_RELU, 1, width * channels, x, 0, y, 0);
            else memcpy(y, x, width * channels * sizeof(T));
        } else {
            for (ptrdiff_t p = 0; p < width; p++) {
                for (ptrdiff_t c = 0; c < channels; c++) {
                    T v = x[p * x_pitch + c];
                    y[p * channels + c] = relu && v < 0 ? 0 : v;
                }
            }
        }
    }
}

static void NAME(depthwise)(const errata_window *window, const void *padded, const void *weights,
                            const void *mask, ptrdiff_t mask_pitch, int accumulates, void *y) {
    if (NAME(narrow_window)(window)) {
        NAME(narrow_depthwise)(window, padded, weights, mask, mask_pitch, accumulates, y);
        return;
    }
    OVER_COLUMNS(depthwise, window->channels, window, (const T *)padded + c, (const T *)weights + c, AT(mask, c),
                 mask_pitch, accumulates, (T *)y + c);
}

// A few elements are copied faster than a call of memcpy begins.
static inline void NAME(copy)(ptrdiff_t count, const T *x, T *y) {
    ptrdiff_t i = 0;
    for (; i + WIDE <= count; i += WIDE) *(NAME(wide) *)(y + i) = *(const NAME(wide) *)(x + i);
    for (; i < count; i++) y[i] = x[i];
}

static void NAME(mask_rows)(ptrdiff_t rows, ptrdiff_t columns, const void *x_, ptrdiff_t x_pitch,
                            const void *mask_, ptrdiff_t mask_pitch, int accumulates, void *y_,
                            ptrdiff_t y_pitch) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        const T *x = (const T *)x_ + r * x_pitch;
        const T *mask = AT(mask_, r * mask_pitch);
        T *y = (T *)y_ + r * y_pitch;
        if (accumulates && mask) {
            for (ptrdiff_t i = 0; i < columns; i++) y[i] += mask[i] > 0 ? x[i] : 0;
        } else if (accumulates) {
            for (ptrdiff_t i = 0; i < columns; i++) y[i] += x[i];
        } else if (mask) {
            for (ptrdiff_t i = 0; i < columns; i++) y[i] = mask[i] > 0 ? x[i] : 0;
        } else {
            NAME(copy)(columns, x, y);
        }
    }
}

static void NAME(depthwise_weights)(const errata_window *window, const void *padded, const void *g,
                                    ptrdiff_t g_line, void *gradient) {
    if (NAME(narrow_window)(window)) {
        NAME(narrow_depthwise_weights)(window, padded, g, g_line, gradient);
        return;
    }
    OVER_COLUMNS(depthwise_weights, window->channels, window, (const T *)padded + c, (const T *)g + c, g_line,
                 (T *)gradient + c);
}

static void NAME(depthwise_scatter)(const errata_window *window, const void *g, const void *weights,
                                    void *padded) {
    OVER_COLUMNS(depthwise_scatter, window->channels, window, (const T *)g + c, (const T *)weights + c,
                 (T *)padded + c);
}

// MARK: Products

static void NAME(products)(errata_matrix a, errata_matrix b, ptrdiff_t width, void *c, ptrdiff_t c_line) {
    ptrdiff_t n = b.columns;
    int is_narrow = NAME(narrow_square)(a, n);
    for (ptrdiff_t first = 0; first < a.rows; first += width, c = (T *)c + c_line) {
        const T *rows = (const T *)a.elements + first * a.pitch;
        ptrdiff_t done = is_narrow ? NAME(narrow_products_of)(width, n, rows, b.elements, b.pitch, c) : 0;
        NAME(products_whole)(width - done, n, b.rows, rows + done * a.pitch, a.pitch, b.elements, b.pitch,
                             (T *)c + done * n, n);
    }
}

static void NAME(accumulate_products)(errata_matrix a, errata_matrix b, void *c) {
    if (NAME(narrow_square)(a, b.columns)) {
        ptrdiff_t rows = NAME(narrow_accumulate_products)(a.rows, a.columns, a.elements, b.elements, c);
        a = NAME(rows_from)(a, rows);
        b = NAME(rows_from)(b, rows);
    }
    ptrdiff_t done = NAME(accumulate_products_whole)(a, b, 0, c);
#if VECTOR_BYTES / SIZE >= 8
    done = NAME(accumulate_products_half)(a, b, done, c);
    done = NAME(accumulate_products_quarter)(a, b, done, c);
#endif
    NAME(accumulate_products_one)(a, b, done, c);
}

// MARK: Dense convolution

// For one output pixel and kernel row: the input row, and which kernel columns lie inside the image.
static inline const T *NAME(kernel_row)(const errata_window *w, const T *x, ptrdiff_t row, ptrdiff_t column,
                                        ptrdiff_t i, ptrdiff_t *first, ptrdiff_t *last) {
    ptrdiff_t y = row * w->stride - w->padding + i * w->dilation;
    if (y < 0 || y >= w->height) return 0;
    ptrdiff_t left = column * w->stride - w->padding;
    *first = left >= 0 ? 0 : (-left + w->dilation - 1) / w->dilation;
    *last = left >= w->width ? 0 : (w->width - left + w->dilation - 1) / w->dilation;
    if (*last > w->kernel_width) *last = w->kernel_width;
    if (*first >= *last) return 0;
    return x + (y * w->width + left) * w->input_pitch;
}

static void NAME(im2col)(const errata_window *w, ptrdiff_t first_row, ptrdiff_t rows, const void *x,
                         void *columns_) {
    T *columns = columns_;
    ptrdiff_t channels = w->channels;
    for (ptrdiff_t row = first_row; row < first_row + rows; row++) {
        for (ptrdiff_t column = 0; column < w->output_width; column++) {
            for (ptrdiff_t i = 0; i < w->kernel_height; i++, columns += w->kernel_width * channels) {
                ptrdiff_t first, last;
                const T *source = NAME(kernel_row)(w, x, row, column, i, &first, &last);
                if (!source) {
                    memset(columns, 0, w->kernel_width * channels * sizeof(T));
                    continue;
                }
                memset(columns, 0, first * channels * sizeof(T));
                if (w->dilation == 1 && w->input_pitch == channels) {
                    memcpy(columns + first * channels, source + first * channels,
                           (last - first) * channels * sizeof(T));
                } else {
                    for (ptrdiff_t j = first; j < last; j++) {
                        memcpy(columns + j * channels, source + j * w->dilation * w->input_pitch,
                               channels * sizeof(T));
                    }
                }
                memset(columns + last * channels, 0, (w->kernel_width - last) * channels * sizeof(T));
            }
        }
    }
}

static void NAME(col2im)(const errata_window *w, ptrdiff_t first_row, ptrdiff_t rows, const void *columns_,
                         void *x) {
    const T *columns = columns_;
    ptrdiff_t channels = w->channels;
    for (ptrdiff_t row = first_row; row < first_row + rows; row++) {
        for (ptrdiff_t column = 0; column < w->output_width; column++) {
            for (ptrdiff_t i = 0; i < w->kernel_height; i++, columns += w->kernel_width * channels) {
                ptrdiff_t first, last;
                T *target = (T *)NAME(kernel_row)(w, x, row, column, i, &first, &last);
                if (!target) continue;
                for (ptrdiff_t j = first; j < last; j++) {
                    T *pixel = target + j * w->dilation * w->input_pitch;
                    for (ptrdiff_t c = 0; c < channels; c++) pixel[c] += columns[j * channels + c];
                }
            }
        }
    }
}

// MARK: Pooling

#include "Pools.h"

static void NAME(max_pool)(const errata_window *window, const void *x, void *y, int32_t *positions) {
    if (!positions && NAME(is_3x3)(window)) {
        NAME(max_pool_3x3)(window, x, y);
        return;
    }
    OVER_COLUMNS(max_pool, window->channels, window, (const T *)x + c, (T *)y + c,
                 positions ? positions + c : 0);
}

static void NAME(max_pool_gradient)(const errata_window *window, const void *x, const void *g, void *gradient) {
    if (NAME(is_3x3)(window)) {
        NAME(max_pool_gradient_3x3)(window, x, g, gradient);
        return;
    }
    OVER_COLUMNS(max_pool_gradient, window->channels, window, (const T *)x + c, (const T *)g + c,
                 (T *)gradient + c);
}

static void NAME(average_pool)(const errata_window *window, const void *x, void *y) {
    if (NAME(is_3x3)(window)) {
        NAME(average_pool_3x3)(window, x, y);
        return;
    }
    OVER_COLUMNS(average_pool, window->channels, window, (const T *)x + c, (T *)y + c);
}

static void NAME(average_pool_gradient)(const errata_window *window, const void *g, void *x) {
    if (NAME(is_3x3)(window)) {
        NAME(average_pool_gradient_3x3)(window, g, x);
        return;
    }
    OVER_COLUMNS(average_pool_gradient, window->channels, window, (const T *)g + c, (T *)x + c);
}

static void NAME(gather_positions)(ptrdiff_t pixels, ptrdiff_t channels, const void *x_, ptrdiff_t x_pitch,
                                   const int32_t *positions, void *y_) {
    const T *x = x_;
    T *y = y_;
    for (ptrdiff_t p = 0; p < pixels; p++) {
        for (ptrdiff_t c = 0; c < channels; c++) {
            y[p * channels + c] = x[positions[p * channels + c] * x_pitch + c];
        }
    }
}

static void NAME(scatter_positions)(ptrdiff_t pixels, ptrdiff_t channels, const void *g_, ptrdiff_t g_pitch,
                                    const int32_t *positions, void *x_) {
    const T *g = g_;
    T *x = x_;
    for (ptrdiff_t p = 0; p < pixels; p++) {
        for (ptrdiff_t c = 0; c < channels; c++) {
            x[positions[p * channels + c] * channels + c] += g[p * g_pitch + c];
        }
    }
}

static const errata_kernels NAME(table) = {
    .unary = NAME(unary),
    .scalar_affine = NAME(scalar_affine),
    .binary = NAME(binary),
    .fill = NAME(fill),
    .uniform = NAME(uniform),
    .row_sum = NAME(row_sum),
    .row_maximum = NAME(row_maximum),
    .column_sums = NAME(column_sums),
    .column_maxima = NAME(column_maxima),
    .column_moments = NAME(column_moments),
    .column_products = NAME(column_products),
    .affine = NAME(affine),
    .affine_gradient = NAME(affine_gradient),
    .affine_sum = NAME(affine_sum),
    .pad_image = NAME(pad_image),
    .depthwise = NAME(depthwise),
    .depthwise_weights = NAME(depthwise_weights),
    .mask_rows = NAME(mask_rows),
    .depthwise_scatter = NAME(depthwise_scatter),
    .products = NAME(products),
    .accumulate_products = NAME(accumulate_products),
    .zero_border = NAME(zero_border),
    .im2col = NAME(im2col),
    .col2im = NAME(col2im),
    .max_pool = NAME(max_pool),
    .max_pool_gradient = NAME(max_pool_gradient),
    .average_pool = NAME(average_pool),
    .average_pool_gradient = NAME(average_pool_gradient),
    .gather_positions = NAME(gather_positions),
    .scatter_positions = NAME(scatter_positions),
};

#undef MOST_VECTORS
#undef WIDE
#undef MOST_BRANCHES
#undef AT
#undef OVER_COLUMNS
#undef UNROLL
#undef PARTS
#undef NAME
