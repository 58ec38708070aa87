// Both element types of one instruction set. ISA and VECTOR_BYTES are defined by the including file.
#pragma clang fp contract(fast)

#define JOIN_(a, b, c) a##_##b##_##c
#define JOIN(a, b, c) JOIN_(a, b, c)

// The kernels that DARTS uses are compiled for their constants; any other runs the same code with variables.
#define SPECIALISED(f, window, ...)                                                                       \
    do {                                                                                                  \
        ptrdiff_t k = (window)->kernel_height, s = (window)->stride, d = (window)->dilation;              \
        if (k != (window)->kernel_width) f(__VA_ARGS__, 0, 0, 0);                                \
        else if (k == 3 && s == 1 && d == 1) f(__VA_ARGS__, 3, 1, 1);                                     \
        else if (k == 5 && s == 1 && d == 1) f(__VA_ARGS__, 5, 1, 1);                                     \
        else if (k == 3 && s == 1 && d == 2) f(__VA_ARGS__, 3, 1, 2);                                     \
        else if (k == 5 && s == 1 && d == 2) f(__VA_ARGS__, 5, 1, 2);                                     \
        else if (k == 3 && s == 2 && d == 1) f(__VA_ARGS__, 3, 2, 1);                                     \
        else if (k == 5 && s == 2 && d == 1) f(__VA_ARGS__, 5, 2, 1);                                     \
        else if (k == 3 && s == 2 && d == 2) f(__VA_ARGS__, 3, 2, 2);                                     \
        else if (k == 5 && s == 2 && d == 2) f(__VA_ARGS__, 5, 2, 2);                                     \
        else f(__VA_ARGS__, 0, 0, 0);                                                                     \
    } while (0)

#define T float
#define TI int32_t
#define SIZE 4
#define TYPE f32
#define MATH(name) name##f
#include "Template.h"
#undef T
#undef TI
#undef SIZE
#undef TYPE
#undef MATH

#define T double
#define TI int64_t
#define SIZE 8
#define TYPE f64
#define MATH(name) name
#include "Template.h"

#define ISA_NAME_(isa) errata_isa_##isa
#define ISA_NAME(isa) ISA_NAME_(isa)
#define TEXT_(isa) #isa
#define TEXT(isa) TEXT_(isa)

const errata_isa ISA_NAME(ISA) = {
    .name = TEXT(ISA),
    .vector_bytes = VECTOR_BYTES,
    .float32 = &JOIN(table, ISA, f32),
    .float64 = &JOIN(table, ISA, f64),
};
