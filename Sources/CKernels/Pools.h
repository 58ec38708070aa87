// Windows of 3×3, stride 1 and padding 1, DARTS's pools. A row of an image is one long vector, however few channels it
// has: a neighbouring pixel is as many elements away, and rows are framed by a pixel on each side.

#define MOST_ROW 4096

static inline int NAME(is_3x3)(const errata_window *w) {
    return w->kernel_height == 3 && w->kernel_width == 3 && w->stride == 1 && w->padding == 1 && w->height > 1 &&
           w->width > 1 && (w->width + 2) * w->channels <= MOST_ROW;
}

// A row within its frame; `outside`, where there is none.
static void NAME(framed_row)(const errata_window *w, const T *x, ptrdiff_t pitch, ptrdiff_t row, T outside, T *y) {
    ptrdiff_t channels = w->channels, length = w->width * channels;
    if (row < 0 || row >= w->height) {
        for (ptrdiff_t i = 0; i < length + 2 * channels; i++) y[i] = outside;
        return;
    }
    x += row * w->width * pitch;
    for (ptrdiff_t i = 0; i < channels; i++) y[i] = y[channels + length + i] = outside;
    if (pitch == channels) {
        memcpy(y + channels, x, length * sizeof(T));
    } else {
        for (ptrdiff_t p = 0; p < w->width; p++) NAME(copy)(channels, x + p * pitch, y + (p + 1) * channels);
    }
}

static void NAME(write_row)(const errata_window *w, const T *x, ptrdiff_t pitch, T *y) {
    for (ptrdiff_t p = 0; p < w->width; p++) NAME(copy)(w->channels, x + p * w->channels, y + p * pitch);
}

static inline T NAME(larger)(T a, T b) { return b > a ? b : a; }

static void NAME(max_pool_3x3)(const errata_window *w, const T *x, T *out) {
    ptrdiff_t channels = w->channels, length = w->width * channels;
    T rows[3][MOST_ROW], maxima[MOST_ROW], result[MOST_ROW];
    NAME(framed_row)(w, x, w->input_pitch, -1, -INFINITY, rows[2]);
    NAME(framed_row)(w, x, w->input_pitch, 0, -INFINITY, rows[0]);
    for (ptrdiff_t row = 0; row < w->height; row++) {
        NAME(framed_row)(w, x, w->input_pitch, row + 1, -INFINITY, rows[(row + 1) % 3]);
        for (ptrdiff_t i = 0; i < length + 2 * channels; i++) {
            maxima[i] = NAME(larger)(NAME(larger)(rows[0][i], rows[1][i]), rows[2][i]);
        }
        T *y = w->output_pitch == channels ? out + row * length : result;
        for (ptrdiff_t i = 0; i < length; i++) {
            y[i] = NAME(larger)(NAME(larger)(maxima[i], maxima[i + channels]), maxima[i + 2 * channels]);
        }
        if (y == result) NAME(write_row)(w, result, w->output_pitch, out + row * w->width * w->output_pitch);
    }
}

// Each pixel takes the gradients of those of its nine windows whose first maximum it is.
static void NAME(max_pool_gradient_3x3)(const errata_window *w, const T *x, const T *g, T *gradient) {
    ptrdiff_t channels = w->channels, length = w->width * channels;
    // Of windows: which of their nine pixels it is, and their gradient; of an odd row each.
    TI chosen[3][MOST_ROW];
    T rows[3][MOST_ROW], shares[3][MOST_ROW];
    for (ptrdiff_t i = 0; i < length + 2 * channels; i++) {
        chosen[0][i] = chosen[1][i] = chosen[2][i] = -1;
        shares[0][i] = shares[1][i] = shares[2][i] = 0;
    }
    NAME(framed_row)(w, x, w->input_pitch, -1, -INFINITY, rows[2]);
    NAME(framed_row)(w, x, w->input_pitch, 0, -INFINITY, rows[0]);
    for (ptrdiff_t row = 0; row <= w->height; row++) {
        TI *places = chosen[row % 3];
        if (row < w->height) {
            NAME(framed_row)(w, x, w->input_pitch, row + 1, -INFINITY, rows[(row + 1) % 3]);
            NAME(framed_row)(w, g, w->output_pitch, row, 0, shares[row % 3]);
            const T *above = rows[(row + 2) % 3], *here = rows[row % 3], *below = rows[(row + 1) % 3];
            for (ptrdiff_t i = 0; i < length; i++) {
                T best = -INFINITY;
                TI at = 4;
#define PIXEL(line, place)                          \
    {                                               \
        T v = line[i + (place) % 3 * channels];     \
        at = v > best ? (place) : at;               \
        best = v > best ? v : best;                 \
    }
                PIXEL(above, 0) PIXEL(above, 1) PIXEL(above, 2)
                PIXEL(here, 3) PIXEL(here, 4) PIXEL(here, 5)
                PIXEL(below, 6) PIXEL(below, 7) PIXEL(below, 8)
#undef PIXEL
                places[i + channels] = at;
            }
        } else {
            for (ptrdiff_t i = 0; i < length + 2 * channels; i++) places[i] = -1;
        }
        if (row == 0) continue;
        // All windows of the pixels of the row before are known.
        T *target = gradient + (row - 1) * length;
        for (ptrdiff_t line = 0; line < 3; line++) {
            const TI *at = chosen[(row + 1 + line) % 3];
            const T *share = shares[(row + 1 + line) % 3];
            TI place = (TI)(6 - 3 * line);
            for (ptrdiff_t i = 0; i < length; i++) {
                T sum = at[i] == place + 2 ? share[i] : 0;
                sum += at[i + channels] == place + 1 ? share[i + channels] : 0;
                sum += at[i + 2 * channels] == place ? share[i + 2 * channels] : 0;
                target[i] += sum;
            }
        }
    }
}

// How many of three neighbours lie inside an extent.
static inline T NAME(inside)(ptrdiff_t at, ptrdiff_t extent) { return (T)(3 - (at == 0) - (at + 1 == extent)); }

// The sums of three rows' elements, framed, each row times a factor.
static void NAME(row_sums)(const errata_window *w, T rows[3][MOST_ROW], ptrdiff_t row, const T *factors, T *sums) {
    const T *above = rows[(row + 2) % 3], *here = rows[row % 3], *below = rows[(row + 1) % 3];
    T a = factors[0], b = factors[1], c = factors[2];
    for (ptrdiff_t i = 0; i < (w->width + 2) * w->channels; i++) sums[i] = above[i] * a + here[i] * b + below[i] * c;
}

static void NAME(average_pool_3x3)(const errata_window *w, const T *x, T *out) {
    ptrdiff_t channels = w->channels, length = w->width * channels;
    T rows[3][MOST_ROW], sums[MOST_ROW], result[MOST_ROW], ones[3] = {1, 1, 1};
    NAME(framed_row)(w, x, w->input_pitch, -1, 0, rows[2]);
    NAME(framed_row)(w, x, w->input_pitch, 0, 0, rows[0]);
    for (ptrdiff_t row = 0; row < w->height; row++) {
        NAME(framed_row)(w, x, w->input_pitch, row + 1, 0, rows[(row + 1) % 3]);
        NAME(row_sums)(w, rows, row, ones, sums);
        T *y = w->output_pitch == channels ? out + row * length : result;
        T count = NAME(inside)(row, w->height), factor = 1 / (3 * count), side = 1 / (2 * count);
        for (ptrdiff_t i = 0; i < length; i++) {
            T f = i < channels || i >= length - channels ? side : factor;
            y[i] = (sums[i] + sums[i + channels] + sums[i + 2 * channels]) * f;
        }
        if (y == result) NAME(write_row)(w, result, w->output_pitch, out + row * w->width * w->output_pitch);
    }
}

static void NAME(average_pool_gradient_3x3)(const errata_window *w, const T *g, T *x) {
    ptrdiff_t channels = w->channels, length = w->width * channels, frame = length + 2 * channels;
    T rows[3][MOST_ROW], sums[MOST_ROW];
    NAME(framed_row)(w, g, w->output_pitch, -1, 0, rows[2]);
    NAME(framed_row)(w, g, w->output_pitch, 0, 0, rows[0]);
    for (ptrdiff_t row = 0; row < w->height; row++) {
        NAME(framed_row)(w, g, w->output_pitch, row + 1, 0, rows[(row + 1) % 3]);
        T factors[3];
        for (ptrdiff_t line = 0; line < 3; line++) {
            ptrdiff_t at = row - 1 + line;
            factors[line] = at < 0 || at == w->height ? 0 : 1 / NAME(inside)(at, w->height);
        }
        NAME(row_sums)(w, rows, row, factors, sums);
        for (ptrdiff_t i = 0; i < frame; i++) {
            sums[i] *= i < 2 * channels || i >= length ? (T)1 / 2 : (T)1 / 3;
        }
        T *target = x + row * length;
        for (ptrdiff_t i = 0; i < length; i++) {
            target[i] += sums[i] + sums[i + channels] + sums[i + 2 * channels];
        }
    }
}

#undef MOST_ROW
