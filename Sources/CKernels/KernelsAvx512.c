#include "CKernels.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)
// Without a minimum width clang halves vectors of 512 bits.
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"), min_vector_width(512))), apply_to = function)
#define ISA avx512
#define VECTOR_BYTES 64
#include "Isa.h"
#pragma clang attribute pop
#endif
