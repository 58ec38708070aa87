#include "CKernels.h"

#include <math.h>
#include <string.h>

#define ISA baseline
#define VECTOR_BYTES 16
#include "Isa.h"
