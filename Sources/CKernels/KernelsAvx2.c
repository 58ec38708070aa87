#include "CKernels.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#define ISA avx2
#define VECTOR_BYTES 32
#include "Isa.h"
#pragma clang attribute pop
#endif
