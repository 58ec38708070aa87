// The kernels of the CPU backend: one table for each element type, chosen at run time for the CPU.
//
// Matrices are given as rows × columns with a pitch, the distance between the starts of rows in elements.
// Element pointers are `void *`: each table's functions know their type. No function allocates or keeps state.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

// In the order of UnaryOperation.
enum errata_unary {
    ERRATA_NEGATE, ERRATA_EXP, ERRATA_LOG, ERRATA_SQRT, ERRATA_RSQRT, ERRATA_RECIPROCAL, ERRATA_SQUARE,
    ERRATA_TANH, ERRATA_SIGMOID, ERRATA_SOFTPLUS, ERRATA_RELU, ERRATA_ABS, ERRATA_SIGN
};

// In the order of BinaryOperation.
enum errata_binary {
    ERRATA_ADD, ERRATA_SUBTRACT, ERRATA_MULTIPLY, ERRATA_DIVIDE, ERRATA_MAXIMUM, ERRATA_MINIMUM,
    ERRATA_GREATER, ERRATA_EQUAL, ERRATA_MASK
};

// A window sliding over one image: a depthwise convolution or a pool.
typedef struct {
    ptrdiff_t height, width, channels;              // of the input
    ptrdiff_t output_height, output_width;
    ptrdiff_t kernel_height, kernel_width, stride, padding, dilation;
    ptrdiff_t input_pitch, output_pitch;            // elements between pixels
} errata_window;

// A matrix that is read.
typedef struct {
    const void *elements;
    ptrdiff_t rows, columns, pitch;
} errata_matrix;

// A stream of random numbers: Philox's key, and the upper half of its counters.
typedef struct {
    uint32_t key[2];
    uint64_t id;
} errata_stream;

typedef struct {
    // y = op(x)
    void (*unary)(int operation, ptrdiff_t rows, ptrdiff_t columns, const void *x, ptrdiff_t x_pitch,
                  void *y, ptrdiff_t y_pitch);
    // y = scale·x + shift, rounded after each
    void (*scalar_affine)(double scale, double shift, ptrdiff_t rows, ptrdiff_t columns, const void *x,
                          ptrdiff_t x_pitch, void *y, ptrdiff_t y_pitch);
    // y = op(a, b); a step of 0 repeats one element along a row, a pitch of 0 one row.
    void (*binary)(int operation, ptrdiff_t rows, ptrdiff_t columns, const void *a, ptrdiff_t a_pitch,
                   ptrdiff_t a_step, const void *b, ptrdiff_t b_pitch, ptrdiff_t b_step, void *y,
                   ptrdiff_t y_pitch);
    // y = value
    void (*fill)(ptrdiff_t count, double value, void *y);
    // y = low + width·u, u being a stream's uniform numbers from one on whose index is a multiple of 4.
    void (*uniform)(errata_stream stream, uint64_t first, ptrdiff_t count, double low, double width, void *y);
    // Sums and maxima of a row's elements, in Float64.
    double (*row_sum)(ptrdiff_t count, const void *x);
    double (*row_maximum)(ptrdiff_t count, const void *x);
    // sums[c] += Σ_r x[r][c]
    void (*column_sums)(ptrdiff_t rows, ptrdiff_t columns, const void *x, ptrdiff_t pitch, double *sums);
    void (*column_maxima)(ptrdiff_t rows, ptrdiff_t columns, const void *x, ptrdiff_t pitch, void *maxima);
    // sums[c] = Σ_r x[r][c] and squares[c] = Σ_r (x[r][c] − mean)², the mean being these rows' own.
    void (*column_moments)(ptrdiff_t rows, ptrdiff_t columns, const void *x, ptrdiff_t pitch, double *sums,
                           double *squares);
    // sums[c] = Σ_r g and products[c] = Σ_r g·(x − mean[c]).
    void (*column_products)(ptrdiff_t rows, ptrdiff_t columns, const void *g, ptrdiff_t g_pitch,
                            const void *x, ptrdiff_t x_pitch, const void *mean, double *sums,
                            double *products);
    // y = (x − mean)·scale + shift, then ReLU if asked; shift may be absent.
    void (*affine)(ptrdiff_t rows, ptrdiff_t columns, const void *x, ptrdiff_t x_pitch, const void *mean,
                   const void *scale, const void *shift, int relu, void *y, ptrdiff_t y_pitch);
    // y = a·g + b·(x − mean) + c
    void (*affine_gradient)(ptrdiff_t rows, ptrdiff_t columns, const void *g, ptrdiff_t g_pitch,
                            const void *x, ptrdiff_t x_pitch, const void *mean, const void *a, const void *b,
                            const void *c, void *y, ptrdiff_t y_pitch);
    // y = Σ_k scales[k]·x[k] + shift; an absent shift is 0.
    void (*affine_sum)(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t count, const void *const *x,
                       const ptrdiff_t *pitches, const void *const *scales, const void *shift, void *y,
                       ptrdiff_t y_pitch);

    // padded ← the image with zeros around it: relu((x − mean)·scale + shift), each part optional.
    void (*pad_image)(ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t border, const void *x,
                      ptrdiff_t x_pitch, const void *mean, const void *scale, const void *shift, int relu,
                      void *padded);
    // Depthwise convolution of a padded image (the window's padding is not used). y is written as mask_rows
    // does, the mask's pixels being as far apart as the image's.
    void (*depthwise)(const errata_window *window, const void *padded, const void *weights, const void *mask,
                      ptrdiff_t mask_pitch, int accumulates, void *y);
    // gradient of the weights += Σ padded·g, g_line being the elements between rows of g's pixels
    void (*depthwise_weights)(const errata_window *window, const void *padded, const void *g, ptrdiff_t g_line,
                              void *gradient);
    // The adjoint: padded += weights·g
    void (*depthwise_scatter)(const errata_window *window, const void *g, const void *weights, void *padded);

    // y = x, or y += x, where mask > 0 if given; else y = 0, or stays.
    void (*mask_rows)(ptrdiff_t rows, ptrdiff_t columns, const void *x, ptrdiff_t x_pitch, const void *mask,
                      ptrdiff_t mask_pitch, int accumulates, void *y, ptrdiff_t y_pitch);

    // c = a·b, whose rows are the pixels of an image of so many in a line. The pitch of b is whole vectors long.
    void (*products)(errata_matrix a, errata_matrix b, ptrdiff_t width, void *c, ptrdiff_t c_line);
    // c += aᵀ·b: the gradient of a 1×1 convolution's weights.
    void (*accumulate_products)(errata_matrix a, errata_matrix b, void *c);
    // Zeros in the border of an image that has one.
    void (*zero_border)(ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t border, void *padded);

    // [height, width, channels] → columns [output pixels, kernel², channels of the group], and its adjoint.
    void (*im2col)(const errata_window *window, ptrdiff_t first_row, ptrdiff_t rows, const void *x,
                   void *columns);
    void (*col2im)(const errata_window *window, ptrdiff_t first_row, ptrdiff_t rows, const void *columns,
                   void *x);

    // The first maximum's position within the image counts; positions may be absent.
    void (*max_pool)(const errata_window *window, const void *x, void *y, int32_t *positions);
    // gradient += that of max_pool with respect to x, g being that of its output.
    void (*max_pool_gradient)(const errata_window *window, const void *x, const void *g, void *gradient);
    void (*average_pool)(const errata_window *window, const void *x, void *y);
    // gradient += that of average_pool
    void (*average_pool_gradient)(const errata_window *window, const void *g, void *gradient);
    // y[p][c] = x[positions[p][c]][c], and its adjoint, which adds.
    void (*gather_positions)(ptrdiff_t pixels, ptrdiff_t channels, const void *x, ptrdiff_t x_pitch,
                             const int32_t *positions, void *y);
    void (*scatter_positions)(ptrdiff_t pixels, ptrdiff_t channels, const void *g, ptrdiff_t g_pitch,
                              const int32_t *positions, void *x);
} errata_kernels;

typedef struct {
    const char *name;                               // baseline, avx2 or avx512
    int vector_bytes;
    const errata_kernels *float32;
    const errata_kernels *float64;
} errata_isa;

// The best kernels this CPU runs, or the named ones; NULL if the CPU does not run them or none has that name.
const errata_isa *errata_select_isa(const char *forced);

// Tells the CPU that the caller waits in a loop.
static inline void errata_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

#endif
