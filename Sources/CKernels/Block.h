// The bodies of the kernels over columns, for a block of LANES columns. Included for several LANES.

#define V BLOCK(vector)
#define VI BLOCK(indices)
typedef T V __attribute__((vector_size(LANES * SIZE), aligned(SIZE), may_alias));
typedef TI VI __attribute__((vector_size(LANES * SIZE), aligned(SIZE), may_alias));
typedef int32_t BLOCK(positions) __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

#define LOAD(p) (*(const V *)(p))
#define STORE(p, v) (*(V *)(p) = (v))
#define SELECT(mask, a, b) ((V)(((VI)(a) & (mask)) | ((VI)(b) & ~(mask))))
// Partial sums are kept in T over this many rows, then added up in double.
#define RUN 64

static inline void BLOCK(flush)(V value, double *sums) {
    for (int l = 0; l < LANES; l++) sums[l] += value[l];
}

static void BLOCK(column_sums)(ptrdiff_t rows, const T *x, ptrdiff_t pitch, double *sums) {
    for (ptrdiff_t r = 0; r < rows;) {
        ptrdiff_t end = r + RUN < rows ? r + RUN : rows;
        V a = {0}, b = {0};
        for (; r + 2 <= end; r += 2) {
            a += LOAD(x + r * pitch);
            b += LOAD(x + (r + 1) * pitch);
        }
        for (; r < end; r++) a += LOAD(x + r * pitch);
        BLOCK(flush)(a + b, sums);
    }
}

static void BLOCK(column_moments)(ptrdiff_t rows, const T *x, ptrdiff_t pitch, double *sums, double *squares) {
    for (int l = 0; l < LANES; l++) sums[l] = squares[l] = 0;
    BLOCK(column_sums)(rows, x, pitch, sums);
    V mean;
    for (int l = 0; l < LANES; l++) mean[l] = (T)(sums[l] / rows);
    for (ptrdiff_t r = 0; r < rows;) {
        ptrdiff_t end = r + RUN < rows ? r + RUN : rows;
        V a = {0}, b = {0};
        for (; r + 2 <= end; r += 2) {
            V u = LOAD(x + r * pitch) - mean, v = LOAD(x + (r + 1) * pitch) - mean;
            a += u * u;
            b += v * v;
        }
        for (; r < end; r++) {
            V u = LOAD(x + r * pitch) - mean;
            a += u * u;
        }
        BLOCK(flush)(a + b, squares);
    }
    for (int l = 0; l < LANES; l++) {
        double rounding = sums[l] / rows - mean[l];
        squares[l] -= rows * rounding * rounding;
    }
}

static void BLOCK(column_products)(ptrdiff_t rows, const T *g, ptrdiff_t g_pitch, const T *x, ptrdiff_t x_pitch,
                                   const T *mean_, double *sums, double *products) {
    V mean = LOAD(mean_);
    for (int l = 0; l < LANES; l++) sums[l] = products[l] = 0;
    for (ptrdiff_t r = 0; r < rows;) {
        ptrdiff_t end = r + RUN < rows ? r + RUN : rows;
        V s = {0}, p = {0}, t = {0}, q = {0};
        for (; r + 2 <= end; r += 2) {
            V h = LOAD(g + r * g_pitch), i = LOAD(g + (r + 1) * g_pitch);
            s += h;
            t += i;
            p += h * (LOAD(x + r * x_pitch) - mean);
            q += i * (LOAD(x + (r + 1) * x_pitch) - mean);
        }
        for (; r < end; r++) {
            V h = LOAD(g + r * g_pitch);
            s += h;
            p += h * (LOAD(x + r * x_pitch) - mean);
        }
        BLOCK(flush)(s + t, sums);
        BLOCK(flush)(p + q, products);
    }
}

static void BLOCK(affine)(ptrdiff_t rows, const T *x, ptrdiff_t x_pitch, const T *mean_, const T *scale_,
                          const T *shift_, int relu, T *y, ptrdiff_t y_pitch) {
    V mean = LOAD(mean_), scale = LOAD(scale_), zero = {0}, shift = zero;
    if (shift_) shift = LOAD(shift_);
    if (relu) {
        for (ptrdiff_t r = 0; r < rows; r++) {
            V v = (LOAD(x + r * x_pitch) - mean) * scale + shift;
            STORE(y + r * y_pitch, SELECT(v < zero, zero, v));
        }
    } else {
        for (ptrdiff_t r = 0; r < rows; r++) {
            STORE(y + r * y_pitch, (LOAD(x + r * x_pitch) - mean) * scale + shift);
        }
    }
}

static void BLOCK(affine_gradient)(ptrdiff_t rows, const T *g, ptrdiff_t g_pitch, const T *x, ptrdiff_t x_pitch,
                                   const T *mean_, const T *a_, const T *b_, const T *k_, T *y,
                                   ptrdiff_t y_pitch) {
    V mean = LOAD(mean_), a = LOAD(a_), b = LOAD(b_), k = LOAD(k_);
    for (ptrdiff_t r = 0; r < rows; r++) {
        STORE(y + r * y_pitch, a * LOAD(g + r * g_pitch) + (b * (LOAD(x + r * x_pitch) - mean) + k));
    }
}

static void BLOCK(affine_sum)(ptrdiff_t rows, ptrdiff_t c, ptrdiff_t count, const void *const *x,
                              const ptrdiff_t *pitches, const void *const *scales, const T *shift_, T *y,
                              ptrdiff_t y_pitch) {
    V shift = {0};
    if (shift_) shift = LOAD(shift_);
    // One pass a branch over a run of rows keeps each scale in a register and the run in the first cache.
    for (ptrdiff_t start = 0; start < rows; start += RUN) {
        ptrdiff_t end = start + RUN < rows ? start + RUN : rows;
        for (ptrdiff_t k = 0; k < count; k++) {
            const T *branch = (const T *)x[k] + c;
            V scale = LOAD((const T *)scales[k] + c);
            if (k == 0) {
                for (ptrdiff_t r = start; r < end; r++) {
                    STORE(y + r * y_pitch, LOAD(branch + r * pitches[k]) * scale + shift);
                }
            } else {
                for (ptrdiff_t r = start; r < end; r++) {
                    STORE(y + r * y_pitch, LOAD(branch + r * pitches[k]) * scale + LOAD(y + r * y_pitch));
                }
            }
        }
    }
}

// MARK: Depthwise convolution. K, S and D are the kernel, stride and dilation, 0 for those of the window.

// `count` neighbouring pixels of the output.
static inline __attribute__((always_inline)) void BLOCK(depthwise_pixels)(
    const errata_window *w, ptrdiff_t count, const T *x, const T *weights, const T *mask, int accumulates, T *y,
    ptrdiff_t KH, ptrdiff_t KW, ptrdiff_t S, ptrdiff_t D) {
    ptrdiff_t pitch = w->input_pitch, line = w->width * pitch;
    V sums[8], zero = {0};
    UNROLL for (int n = 0; n < count; n++) sums[n] = zero;
    for (ptrdiff_t i = 0; i < KH; i++) {
        for (ptrdiff_t j = 0; j < KW; j++) {
            V v = LOAD(weights + (i * KW + j) * w->channels);
            const T *p = x + i * D * line + j * D * pitch;
            UNROLL for (int n = 0; n < count; n++) sums[n] += LOAD(p + n * S * pitch) * v;
        }
    }
    if (mask) UNROLL for (int n = 0; n < count; n++) sums[n] = SELECT(LOAD(mask + n * pitch) > zero, sums[n], zero);
    if (accumulates) UNROLL for (int n = 0; n < count; n++) sums[n] += LOAD(y + n * w->output_pitch);
    UNROLL for (int n = 0; n < count; n++) STORE(y + n * w->output_pitch, sums[n]);
}

static inline __attribute__((always_inline)) void BLOCK(depthwise_body)(
    const errata_window *w, const T *padded, const T *weights, const T *mask, ptrdiff_t mask_pitch,
    int accumulates, T *out, ptrdiff_t K, ptrdiff_t S, ptrdiff_t D) {
    ptrdiff_t KH = K ? K : w->kernel_height, KW = K ? K : w->kernel_width;
    S = S ? S : w->stride;
    D = D ? D : w->dilation;
    ptrdiff_t pitch = w->input_pitch;
    for (ptrdiff_t oy = 0; oy < w->output_height; oy++) {
        const T *x = padded + oy * S * w->width * pitch;
        const T *kept = mask ? mask + oy * mask_pitch : 0;
        T *y = out + oy * w->output_width * w->output_pitch;
        ptrdiff_t ox = 0;
#define PIXELS(count)                                                                                         \
    for (; ox + count <= w->output_width; ox += count) {                                                      \
        BLOCK(depthwise_pixels)(w, count, x + ox * S * pitch, weights, kept ? kept + ox * pitch : 0,           \
                                accumulates, y + ox * w->output_pitch, KH, KW, S, D);                          \
    }
        PIXELS(8)
        PIXELS(1)
#undef PIXELS
    }
}

static void BLOCK(depthwise)(const errata_window *w, const T *padded, const T *weights, const T *mask,
                             ptrdiff_t mask_pitch, int accumulates, T *out) {
    SPECIALISED(BLOCK(depthwise_body), w, w, padded, weights, mask, mask_pitch, accumulates, out);
}

static inline __attribute__((always_inline)) void BLOCK(depthwise_weights_body)(
    const errata_window *w, const T *padded, const T *g, ptrdiff_t g_line, T *gradient, ptrdiff_t K, ptrdiff_t S,
    ptrdiff_t D) {
    ptrdiff_t pitch = w->input_pitch, channels = w->channels, line = w->width * pitch;
    if (!K) {
        for (ptrdiff_t i = 0; i < w->kernel_height; i++) {
            for (ptrdiff_t j = 0; j < w->kernel_width; j++) {
                V a = {0};
                for (ptrdiff_t oy = 0; oy < w->output_height; oy++) {
                    const T *p = padded + (oy * w->stride + i * w->dilation) * line + j * w->dilation * pitch;
                    const T *h = g + oy * g_line;
                    for (ptrdiff_t ox = 0; ox < w->output_width; ox++) {
                        a += LOAD(p + ox * w->stride * pitch) * LOAD(h + ox * w->output_pitch);
                    }
                }
                T *target = gradient + (i * w->kernel_width + j) * channels;
                STORE(target, LOAD(target) + a);
            }
        }
        return;
    }
    for (ptrdiff_t i = 0; i < K; i++) {
        V a[5] = {{0}}, b[5] = {{0}};
        for (ptrdiff_t oy = 0; oy < w->output_height; oy++) {
            const T *p = padded + (oy * S + i * D) * line;
            const T *h = g + oy * g_line;
            ptrdiff_t ox = 0;
            for (; ox + 4 <= w->output_width; ox += 4) {
                V h0 = LOAD(h + ox * w->output_pitch), h1 = LOAD(h + (ox + 1) * w->output_pitch);
                V h2 = LOAD(h + (ox + 2) * w->output_pitch), h3 = LOAD(h + (ox + 3) * w->output_pitch);
                const T *q = p + ox * S * pitch;
                for (ptrdiff_t j = 0; j < K; j++) {
                    a[j] += LOAD(q + j * D * pitch) * h0;
                    b[j] += LOAD(q + (S + j * D) * pitch) * h1;
                    a[j] += LOAD(q + (2 * S + j * D) * pitch) * h2;
                    b[j] += LOAD(q + (3 * S + j * D) * pitch) * h3;
                }
            }
            for (; ox < w->output_width; ox++) {
                V h0 = LOAD(h + ox * w->output_pitch);
                for (ptrdiff_t j = 0; j < K; j++) a[j] += LOAD(p + (ox * S + j * D) * pitch) * h0;
            }
        }
        for (ptrdiff_t j = 0; j < K; j++) {
            T *target = gradient + (i * K + j) * channels;
            STORE(target, LOAD(target) + a[j] + b[j]);
        }
    }
}

static void BLOCK(depthwise_weights)(const errata_window *w, const T *padded, const T *g, ptrdiff_t g_line,
                                     T *gradient) {
    SPECIALISED(BLOCK(depthwise_weights_body), w, w, padded, g, g_line, gradient);
}

static void BLOCK(depthwise_scatter)(const errata_window *w, const T *g, const T *weights, T *padded) {
    ptrdiff_t pitch = w->input_pitch, channels = w->channels, line = w->width * pitch;
    for (ptrdiff_t oy = 0; oy < w->output_height; oy++) {
        for (ptrdiff_t ox = 0; ox < w->output_width; ox++) {
            V h = LOAD(g + (oy * w->output_width + ox) * w->output_pitch);
            for (ptrdiff_t i = 0; i < w->kernel_height; i++) {
                T *p = padded + (oy * w->stride + i * w->dilation) * line + ox * w->stride * pitch;
                for (ptrdiff_t j = 0; j < w->kernel_width; j++, p += w->dilation * pitch) {
                    STORE(p, LOAD(p) + h * LOAD(weights + (i * w->kernel_width + j) * channels));
                }
            }
        }
    }
}

#include "Products.h"

// MARK: Pooling

#define WINDOW_ROWS(first, last, row)                                               \
    ptrdiff_t first = (row) * w->stride - w->padding, last = first + w->kernel_height; \
    if (first < 0) first = 0;                                                       \
    if (last > w->height) last = w->height;
#define WINDOW_COLUMNS(first, last, column)                                         \
    ptrdiff_t first = (column) * w->stride - w->padding, last = first + w->kernel_width; \
    if (first < 0) first = 0;                                                       \
    if (last > w->width) last = w->width;

static void BLOCK(max_pool)(const errata_window *w, const T *x, T *out, int32_t *positions) {
    for (ptrdiff_t oy = 0; oy < w->output_height; oy++) {
        WINDOW_ROWS(top, bottom, oy)
        for (ptrdiff_t ox = 0; ox < w->output_width; ox++) {
            WINDOW_COLUMNS(left, right, ox)
            ptrdiff_t o = oy * w->output_width + ox;
            V best = LOAD(x + (top * w->width + left) * w->input_pitch);
            VI at = (VI){0} + (TI)(top * w->width + left);
            for (ptrdiff_t y = top; y < bottom; y++) {
                for (ptrdiff_t p = y * w->width + left; p < y * w->width + right; p++) {
                    V v = LOAD(x + p * w->input_pitch);
                    VI larger = v > best;
                    best = SELECT(larger, v, best);
                    at = (((VI){0} + (TI)p) & larger) | (at & ~larger);
                }
            }
            STORE(out + o * w->output_pitch, best);
            if (positions) {
                *(BLOCK(positions) *)(positions + o * w->channels) =
                    __builtin_convertvector(at, BLOCK(positions));
            }
        }
    }
}

static void BLOCK(max_pool_gradient)(const errata_window *w, const T *x, const T *g, T *gradient) {
    ptrdiff_t pitch = w->input_pitch, channels = w->channels;
    for (ptrdiff_t oy = 0; oy < w->output_height; oy++) {
        WINDOW_ROWS(top, bottom, oy)
        for (ptrdiff_t ox = 0; ox < w->output_width; ox++) {
            WINDOW_COLUMNS(left, right, ox)
            V best = LOAD(x + (top * w->width + left) * pitch);
            VI at = {0};
            TI tap = 0;
            for (ptrdiff_t y = top; y < bottom; y++) {
                const T *p = x + (y * w->width + left) * pitch;
                for (ptrdiff_t i = left; i < right; i++, p += pitch, tap++) {
                    VI larger = LOAD(p) > best;
                    best = SELECT(larger, LOAD(p), best);
                    at = (((VI){0} + tap) & larger) | (at & ~larger);
                }
            }
            V share = LOAD(g + (oy * w->output_width + ox) * w->output_pitch), zero = {0};
            tap = 0;
            for (ptrdiff_t y = top; y < bottom; y++) {
                T *t = gradient + (y * w->width + left) * channels;
                for (ptrdiff_t i = left; i < right; i++, t += channels, tap++) {
                    VI here = at == ((VI){0} + tap);
                    STORE(t, LOAD(t) + SELECT(here, share, zero));
                }
            }
        }
    }
}

static void BLOCK(average_pool)(const errata_window *w, const T *x, T *out) {
    for (ptrdiff_t oy = 0; oy < w->output_height; oy++) {
        WINDOW_ROWS(top, bottom, oy)
        for (ptrdiff_t ox = 0; ox < w->output_width; ox++) {
            WINDOW_COLUMNS(left, right, ox)
            V sum = {0};
            for (ptrdiff_t y = top; y < bottom; y++) {
                for (ptrdiff_t p = y * w->width + left; p < y * w->width + right; p++) {
                    sum += LOAD(x + p * w->input_pitch);
                }
            }
            T factor = (T)1 / (T)((bottom - top) * (right - left));
            STORE(out + (oy * w->output_width + ox) * w->output_pitch, sum * factor);
        }
    }
}

static void BLOCK(average_pool_gradient)(const errata_window *w, const T *g, T *x) {
    for (ptrdiff_t oy = 0; oy < w->output_height; oy++) {
        WINDOW_ROWS(top, bottom, oy)
        for (ptrdiff_t ox = 0; ox < w->output_width; ox++) {
            WINDOW_COLUMNS(left, right, ox)
            T factor = (T)1 / (T)((bottom - top) * (right - left));
            V share = LOAD(g + (oy * w->output_width + ox) * w->output_pitch) * factor;
            for (ptrdiff_t y = top; y < bottom; y++) {
                for (ptrdiff_t p = y * w->width + left; p < y * w->width + right; p++) {
                    STORE(x + p * w->channels, LOAD(x + p * w->channels) + share);
                }
            }
        }
    }
}

#undef WINDOW_ROWS
#undef WINDOW_COLUMNS
#undef RUN
#undef SELECT
#undef STORE
#undef LOAD
#undef VI
#undef V
