#include <cblas.h>

// OpenBLAS chooses its kernels when it is loaded, and takes a CPU it does not know for a much older one. These
// let go of the choice and make it again; a build for a single core has neither.
extern void gotoblas_dynamic_quit(void) __attribute__((weak));
extern void gotoblas_dynamic_init(void) __attribute__((weak));

static inline int errata_openblas_reselect(void) {
    if (!gotoblas_dynamic_quit || !gotoblas_dynamic_init) return 0;
    gotoblas_dynamic_quit();
    gotoblas_dynamic_init();
    return 1;
}
