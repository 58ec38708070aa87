#include "CKernels.h"

#include <string.h>

extern const errata_isa errata_isa_baseline;
#if defined(__x86_64__)
extern const errata_isa errata_isa_avx2;
extern const errata_isa errata_isa_avx512;
#endif

const errata_isa *errata_select_isa(const char *forced) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if ((!forced || !strcmp(forced, "avx512")) && __builtin_cpu_supports("x86-64-v4")) return &errata_isa_avx512;
    if ((!forced || !strcmp(forced, "avx2")) && __builtin_cpu_supports("x86-64-v3")) return &errata_isa_avx2;
#endif
    if (!forced || !strcmp(forced, "baseline")) return &errata_isa_baseline;
    return 0;
}
